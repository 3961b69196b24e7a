/**
 * `GET` and `POST /devicelogin`: a person enters the code that a program shows and chooses a user to log in as. There
 * are no passwords: anyone who reaches the page can be any user of the tenant.
 */
import type { HttpsReply, HttpsRequest } from "@postern/emulator-kit";
import type { Tenant } from "../engine/tenant";
import type { IssuerContext } from "./issuer-context";

const headers = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "x-content-type-options": "nosniff",
  // With `no-referrer` a browser sends the form of this very page with `Origin: null`.
  "referrer-policy": "same-origin",
};

const style = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
  main { width: min(24rem, 90vw); padding: 1.5rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .75rem; }
  h1 { font-size: 1.25rem; margin: 0 0 .5rem; }
  label, legend { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
  fieldset { border: 0; padding: 0; margin: 1rem 0 0; }
  legend { padding: 0; }
  fieldset label { font-weight: 400; margin: .25rem 0; }
  input[name=code] { font: 1.25rem ui-monospace, monospace; letter-spacing: .15em; text-transform: uppercase; width: 100%; box-sizing: border-box; padding: .5rem; }
  button { font: inherit; padding: .5rem 1rem; margin: 1.25rem .5rem 0 0; }
  [role=alert] { border-left: 4px solid #c33; padding-left: .75rem; }
  small { display: block; margin-top: 1.25rem; opacity: .75; }`;

export function serveDeviceLogin(
  request: HttpsRequest,
  { tenant, deviceCodes, authority }: IssuerContext,
): HttpsReply {
  if (request.method !== "POST") return page(200, form(tenant));
  const { origin } = request.headers;
  // A form of another site must not answer for the person.
  if (origin !== undefined && origin !== authority)
    return page(403, form(tenant, "This form was sent from another site."));
  const fields = new URLSearchParams(request.body.toString("utf8"));
  const code = fields.get("code") ?? "";
  const waiting = deviceCodes.waiting(code);
  if (waiting === undefined)
    return page(400, form(tenant, "This code is unknown, used, or too old."));
  if (fields.get("answer") === "decline") {
    deviceCodes.answer(code, { kind: "declined" });
    return page(200, said("Declined", `${waiting.clientId} was not logged in.`));
  }
  const user = tenant.users.find(({ username }) => username === fields.get("user"));
  if (user === undefined) return page(400, form(tenant, "Choose one of the users."));
  deviceCodes.answer(code, { kind: "approved", username: user.username });
  const text = `${waiting.clientId} is logged in as ${user.username}. You may close this window.`;
  return page(200, said("Logged in", text));
}

function form({ users }: Tenant, problem?: string): string {
  const choices = users.map(
    ({ username, name }, index) =>
      `<label><input type="radio" name="user" required value="${escaped(username)}"${index === 0 ? " checked" : ""}> ${escaped(name)} (${escaped(username)})</label>`,
  );
  return `<h1>Enter the code</h1>
${problem === undefined ? "" : `<p role="alert">${escaped(problem)}</p>`}
<form method="post" action="/devicelogin">
<label for="code">Code shown by the program</label>
<input id="code" name="code" autocomplete="off" spellcheck="false" maxlength="20" required autofocus>
<fieldset><legend>Log in as</legend>
${choices.length === 0 ? "<p>The tenant has no users.</p>" : choices.join("\n")}
</fieldset>
<button name="answer" value="approve">Log in</button><button name="answer" value="decline" formnovalidate>Decline</button>
</form>`;
}

function said(heading: string, text: string): string {
  return `<h1>${escaped(heading)}</h1>\n<p>${escaped(text)}</p>`;
}

function page(status: number, main: string): HttpsReply {
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Device login</title><style>${style}</style></head>
<body><main>${main}
<small>Microsoft Entra ID emulator: for development and tests only. There are no passwords here.</small></main></body></html>
`;
  return { status, headers, body };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
