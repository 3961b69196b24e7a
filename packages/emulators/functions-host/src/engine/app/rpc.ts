/**
 * The shapes that pass between a host and the @azure/functions library, as the library reads and writes them
 * (its `@azure/functions-core` types are not published). Only what is used here.
 */
import type { LogLevel } from "../diagnostics/log";

export interface RpcTypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: RpcHttpData;
  collectionString?: { string: string[] };
  collectionBytes?: { bytes: Uint8Array[] };
  collectionSint64?: { sint64: number[] };
}

interface Nullable<T> {
  readonly value?: T;
}

export interface RpcHttpCookie {
  name?: string | null;
  value?: string | null;
  domain?: Nullable<string> | null;
  path?: Nullable<string> | null;
  expires?: Nullable<unknown> | null;
  secure?: Nullable<boolean> | null;
  httpOnly?: Nullable<boolean> | null;
  maxAge?: Nullable<number> | null;
  sameSite?: "none" | "lax" | "strict" | "explicitNone" | null;
}

export interface RpcHttpData {
  url?: string;
  method?: string;
  nullableHeaders?: Record<string, Nullable<string>>;
  nullableParams?: Record<string, Nullable<string>>;
  nullableQuery?: Record<string, Nullable<string>>;
  body?: RpcTypedData | null;
  statusCode?: string;
  headers?: Record<string, string>;
  cookies?: RpcHttpCookie[];
}

export interface RpcBinding {
  readonly type?: string;
  readonly direction?: string;
  readonly [option: string]: unknown;
}

interface RpcDuration {
  readonly seconds?: number;
}

export interface RpcRetryOptions {
  readonly maxRetryCount?: number;
  readonly retryStrategy?: string;
  readonly delayInterval?: RpcDuration;
  readonly minimumInterval?: RpcDuration;
  readonly maximumInterval?: RpcDuration;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, RpcBinding>>;
  readonly retryOptions?: RpcRetryOptions;
}

export interface RpcRetryContext {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  readonly exception?: { readonly message: string };
}

interface RpcInvocationRequest {
  readonly invocationId: string;
  readonly inputData: { readonly name: string; readonly data: RpcTypedData }[];
  readonly triggerMetadata?: Readonly<Record<string, RpcTypedData>>;
  readonly traceContext?: object;
  readonly retryContext?: RpcRetryContext;
}

export interface RpcInvocationResponse {
  readonly returnValue?: RpcTypedData | null;
  readonly outputData?: { readonly name: string; readonly data: RpcTypedData }[] | null;
}

export type LogCategory = "user" | "system" | "customMetric";
type InvocationState = "preInvocationHooks" | "invocation" | "postInvocationHooks";

export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: RpcInvocationRequest;
  readonly metadata: FunctionMetadata;
  state?: InvocationState | undefined;
  log(level: LogLevel, category: LogCategory, message: string): void;
}

/** What the library hands back for each invocation; its context is opaque to the host. */
interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<RpcInvocationResponse>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel | Promise<InvocationModel>;
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

export type FunctionCallback = (...inputs: unknown[]) => unknown;
export type HookCallback = (context: object) => unknown;
