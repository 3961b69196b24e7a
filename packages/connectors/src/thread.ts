export { serveTarget } from "./thread/serve-target";
