import { randomUUID } from "node:crypto";
import type { HttpsReply } from "@postern/emulator-kit";

export const oauthHeaders = {
  "content-type": "application/json; charset=utf-8",
  "cache-control": "no-store, no-cache",
  pragma: "no-cache",
};

/** An error in the form and words of Microsoft Entra ID. */
export function oauthError(
  status: number,
  error: string,
  number: number,
  message: string,
): HttpsReply {
  const trace = randomUUID();
  const correlation = randomUUID();
  const timestamp = new Date()
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
  const body = {
    error,
    error_description: `AADSTS${number}: ${message} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
    error_codes: [number],
    timestamp,
    trace_id: trace,
    correlation_id: correlation,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
  };
  return { status, headers: oauthHeaders, body: JSON.stringify(body) };
}

export function oauthReply(body: object): HttpsReply {
  return { status: 200, headers: oauthHeaders, body: JSON.stringify(body) };
}

export function unknownClient(clientId: string, tenantId: string): HttpsReply {
  return oauthError(
    400,
    "unauthorized_client",
    700016,
    `Application with identifier '${clientId}' was not found in the directory '${tenantId}'.`,
  );
}
