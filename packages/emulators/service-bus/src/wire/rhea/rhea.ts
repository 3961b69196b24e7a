/**
 * The part of rhea that the broker uses, with its actual types.
 *
 * rhea's own typings are open (`any` index signatures) and leave out what a server needs (link state, attach fields,
 * outcomes), so this file is the one place where they are narrowed; nothing else imports rhea.
 */
import { create_container, message as rheaMessage, types as rheaTypes } from "rhea";
import type { Socket } from "node:net";

export interface AmqpError {
  readonly condition: string;
  readonly description: string;
}

export interface RheaDelivery {
  readonly id: number;
  readonly tag: Buffer;
  readonly format: number;
  remote_settled: boolean;
  readonly remote_state?: unknown;
  update(settled: boolean, state: unknown): void;
}

interface Terminus {
  readonly address?: string | null;
  readonly filter?: Readonly<Record<string, unknown>> | null;
}

interface AttachFields {
  snd_settle_mode?: number;
  rcv_settle_mode?: number;
  max_message_size?: number;
  properties?: Record<string, unknown>;
}

interface RheaEndpoint {
  on(event: string, handler: (context: RheaContext) => void): void;
}

export interface RheaLink extends RheaEndpoint {
  readonly name: string;
  readonly session: RheaSession;
  readonly local: { readonly attach: AttachFields };
  readonly state: { local_open: boolean; open_requests: number };
  readonly source: Terminus | null;
  readonly target: Terminus | null;
  readonly snd_settle_mode: number;
  readonly rcv_settle_mode: number;
  readonly properties?: Readonly<Record<string, unknown>> | null;
  readonly credit: number;
  readonly delivery_count: number;
  set_source(fields: Terminus): void;
  set_target(fields: Terminus): void;
  open(): void;
  close(error?: AmqpError): void;
  is_open(): boolean;
}

export interface RheaSender extends RheaLink {
  send(payload: Buffer, tag: Buffer | undefined, format: number): RheaDelivery;
  set_drained(drained: boolean): void;
}

interface TransferFrame {
  readonly performative: { message_format?: number | null };
}

export interface RheaSession {
  readonly outgoing: { available(): number };
  readonly incoming: { on_transfer: (frame: TransferFrame, link: unknown) => void };
}

export interface RheaConnection extends RheaEndpoint {
  input: (chunk: Buffer) => void;
  _process: () => void;
  _write_frame(): void;
  _register(): void;
  _disconnected(): void;
  accept(socket: Socket): void;
  is_open(): boolean;
  close(error?: AmqpError): void;
}

export interface RheaContext {
  readonly connection: RheaConnection;
  readonly session?: RheaSession;
  readonly sender?: RheaSender;
  readonly receiver?: RheaLink;
  readonly delivery?: RheaDelivery;
  readonly message?: unknown;
}

interface Outcomes {
  accepted(): { described(): unknown };
  rejected(fields: { error: AmqpError }): { described(): unknown };
  is_accepted(state: unknown): boolean;
  encode(message: object): Buffer;
  decode(bytes: Buffer): unknown;
}

interface Types {
  wrap(value: unknown): unknown;
  wrap_int(value: number): unknown;
  wrap_long(value: Buffer | number): unknown;
  wrap_uuid(value: Buffer): unknown;
  wrap_timestamp(value: number): unknown;
  wrap_binary(value: Buffer): unknown;
  wrap_array(values: readonly unknown[], code: number): unknown;
  Writer: new () => { write(value: unknown): void; toBuffer(): Buffer };
}

const outcomes = rheaMessage as unknown as Outcomes;
export const amqpTypes = rheaTypes as unknown as Types;

const container = create_container({ id: "postern-service-bus-emulator" });

const IDLE_TIMEOUT_MS = 120_000;
const INCOMING_CREDIT = 1000;
// As in the real service; larger messages come in several frames.
const MAX_FRAME_BYTES = 64 * 1024;

export function newConnection(): RheaConnection {
  return container.create_connection({
    idle_time_out: IDLE_TIMEOUT_MS,
    max_frame_size: MAX_FRAME_BYTES,
    tcp_no_delay: true,
    reconnect: false,
    sender_options: { treat_modified_as_released: false, autosettle: false },
    receiver_options: { autoaccept: false, credit_window: INCOMING_CREDIT },
  } as unknown as Parameters<typeof container.create_connection>[0]) as unknown as RheaConnection;
}

/** Outcomes are data to rhea: one object may serve many deliveries. */
export const ACCEPTED = outcomes.accepted().described();

export function rejected(error: AmqpError): unknown {
  return outcomes.rejected({ error }).described();
}

/**
 * Settles a delivery that we sent. rhea would keep it until the client settles it too, which the SDK never does after
 * us: rhea's buffer would be full after 2048 messages.
 */
export function settleSent(delivery: RheaDelivery, state: unknown): void {
  delivery.update(true, state);
  delivery.remote_settled = true;
}

export function encodeMessage(message: object): Buffer {
  return outcomes.encode(message);
}

export function decodeMessage(bytes: Buffer): unknown {
  return outcomes.decode(bytes);
}

export function encodeValue(value: unknown): Buffer {
  const writer = new amqpTypes.Writer();
  writer.write(amqpTypes.wrap(value));
  return writer.toBuffer();
}

// Type codes of array elements.
export const ARRAY_OF_LONG = 0x81;
export const ARRAY_OF_TIMESTAMP = 0x83;
