// The program of a target's thread, in a bundle of its own: it loads nothing of the agent.
import { serveTarget } from "@postern/connectors/thread";

serveTarget();
