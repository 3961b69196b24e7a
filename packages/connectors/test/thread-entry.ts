import { serveTarget } from "../src/thread";

serveTarget();
