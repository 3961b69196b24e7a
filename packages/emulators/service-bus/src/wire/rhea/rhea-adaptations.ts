/**
 * What must be changed on a rhea connection before it accepts a socket. Only this instance is changed: the client
 * under test may share the rhea module with the broker.
 *
 * - Messages stay bytes. rhea decodes messages of format 0, which loses the types of numbers, so every message is
 *   given a format that it leaves alone.
 * - Replies to one chunk leave together (cork).
 * - Every chunk gets a reply. Clients leave Nagle's algorithm on: the kernel would acknowledge a frame that we do not
 *   reply to 40 ms later and so hold back the client's next one. An empty frame (8 bytes) carries the acknowledgement
 *   immediately.
 */
import type { Socket } from "node:net";
import { reportDefect } from "../../engine/defect";
import { newConnection, type RheaConnection, type RheaSession } from "./rhea";

/** A message format that rhea does not decode. */
const OPAQUE_FORMAT = 0x7fffffff;

export function adaptConnection(socket: Socket): RheaConnection {
  const connection = newConnection();
  answerEveryChunk(connection, socket);
  corkOutput(connection, socket);
  connection.on("session_open", ({ session }) => {
    if (session !== undefined) keepMessagesOpaque(session);
  });
  return connection;
}

function answerEveryChunk(connection: RheaConnection, socket: Socket): void {
  const input = connection.input.bind(connection);
  let checking = false;
  connection.input = (chunk) => {
    const before = socket.bytesWritten;
    input(chunk);
    if (checking) return;
    checking = true;
    setImmediate(() => {
      checking = false;
      if (!socket.destroyed && socket.bytesWritten === before && connection.is_open())
        connection._write_frame();
    });
  };
}

function corkOutput(connection: RheaConnection, socket: Socket): void {
  const process = connection._process.bind(connection);
  connection._process = () => {
    socket.cork();
    try {
      process();
    } catch (error) {
      // This runs on the next tick, where nothing else would catch the error.
      reportDefect(error);
      socket.destroy();
    } finally {
      socket.uncork();
    }
  };
}

function keepMessagesOpaque(session: RheaSession): void {
  const { incoming } = session;
  const onTransfer = incoming.on_transfer.bind(incoming);
  incoming.on_transfer = (frame, link) => {
    if (!frame.performative.message_format) frame.performative.message_format = OPAQUE_FORMAT;
    onTransfer(frame, link);
  };
}
