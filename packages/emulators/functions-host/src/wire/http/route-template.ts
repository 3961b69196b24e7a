/**
 * Route templates of the Functions host (ASP.NET Core syntax): literals, `{name}`, `{name?}`, `{name=default}`,
 * `{*rest}`, constraints, and text around a parameter within a segment. Compiled once; matching compares segment by
 * segment. Ambiguity is resolved by precedence, as in ASP.NET: literal, constrained parameter, parameter, constrained
 * catch-all, catch-all; the first segment that differs decides.
 */
import { FunctionsHostError } from "../../engine/diagnostics/errors";
import { compileConstraint, type Constraint } from "./route-constraint";

interface Segment {
  readonly kind: "literal" | "parameter" | "catch-all";
  readonly pattern: RegExp;
  readonly parameters: readonly Parameter[];
  /** May be absent from the path: `{name?}` or `{name=default}` alone in the last segments. */
  readonly optional: boolean;
  readonly precedence: number;
}

interface Parameter {
  readonly name: string;
  readonly constraints: readonly Constraint[];
  readonly defaultValue: string | undefined;
}

const PARAMETER =
  /^(\*{0,2})([A-Za-z_][A-Za-z0-9_-]*)((?::[^:=?(]+(?:\((?:[^()]|\([^()]*\))*\))?)*)(=[^?]*)?(\?)?$/;
const MAX_TEMPLATE_CHARS = 1000;

function splitTopLevel(template: string): string[] {
  const segments: string[] = [];
  let depth = 0;
  let current = "";
  for (const char of template) {
    if (char === "{") depth += 1;
    if (char === "}") depth -= 1;
    if (char === "/" && depth === 0) {
      segments.push(current);
      current = "";
    } else current += char;
  }
  segments.push(current);
  return segments;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}

/** The text between each `{` and its `}` and the literals around them; braces in a regex constraint are doubled. */
function tokens(
  segment: string,
  fail: (why: string) => never,
): { literal: boolean; text: string }[] {
  const found: { literal: boolean; text: string }[] = [];
  let literal = "";
  for (let i = 0; i < segment.length; i += 1) {
    const char = segment[i];
    if (char === "}") fail("has a } without its {");
    if (char !== "{") {
      literal += char;
      continue;
    }
    let end = i + 1;
    let inside = "";
    for (; end < segment.length; end += 1) {
      const next = segment[end];
      if ((next === "{" || next === "}") && segment[end + 1] === next && inside.includes("(")) {
        inside += next;
        end += 1;
      } else if (next === "}") break;
      else inside += next;
    }
    if (end >= segment.length) fail("has a { without its }");
    if (literal !== "") found.push({ literal: true, text: literal });
    literal = "";
    found.push({ literal: false, text: inside });
    i = end;
  }
  if (literal !== "" || found.length === 0) found.push({ literal: true, text: literal });
  return found;
}

export class RouteTemplate {
  readonly template: string;
  readonly #segments: readonly Segment[];

  /** @throws FunctionsHostError `route-invalid` */
  constructor(template: string, where: string) {
    const fail = (why: string): never => {
      throw new FunctionsHostError("route-invalid", `${where}: route "${template}" ${why}`);
    };
    if (template.length > MAX_TEMPLATE_CHARS)
      fail(`is longer than ${MAX_TEMPLATE_CHARS} characters`);
    if (template.startsWith("/") || template.startsWith("~")) fail("must not begin with / or ~");
    this.template = template;
    const texts = template === "" ? [] : splitTopLevel(template);
    const names = new Set<string>();
    this.#segments = texts.map((text, index) => {
      const segment = compileSegment(text, fail);
      for (const { name } of segment.parameters) {
        if (names.has(name.toLowerCase())) fail(`has the parameter ${name} twice`);
        names.add(name.toLowerCase());
      }
      if (segment.kind === "catch-all" && index !== texts.length - 1)
        fail("has a catch-all before its end");
      return segment;
    });
  }

  /** Negative: this template is tried first. */
  compare(other: RouteTemplate): number {
    const length = Math.max(this.#segments.length, other.#segments.length);
    for (let i = 0; i < length; i += 1) {
      const difference =
        (this.#segments[i]?.precedence ?? 0) - (other.#segments[i]?.precedence ?? 0);
      if (difference !== 0) return difference;
    }
    return this.template < other.template ? -1 : this.template > other.template ? 1 : 0;
  }

  /** The parameters if the path (decoded segments) matches; literals are compared case-insensitively. */
  match(path: readonly string[]): Record<string, string> | undefined {
    const values: Record<string, string> = {};
    let at = 0;
    for (const segment of this.#segments) {
      const text = segment.kind === "catch-all" ? path.slice(at).join("/") : path[at];
      at = segment.kind === "catch-all" ? path.length : at + 1;
      if (text === undefined || (text === "" && segment.kind === "parameter")) {
        if (!segment.optional) return undefined;
        for (const { name, defaultValue } of segment.parameters) {
          if (defaultValue !== undefined) values[name] = defaultValue;
        }
        continue;
      }
      if (!readSegment(segment, text, values)) return undefined;
    }
    return at >= path.length ? values : undefined;
  }
}

function readSegment(segment: Segment, text: string, values: Record<string, string>): boolean {
  const match = segment.pattern.exec(text);
  if (!match) return false;
  for (const [index, { name, constraints, defaultValue }] of segment.parameters.entries()) {
    const value = match[index + 1] || defaultValue;
    if (value === undefined || value === "") {
      if (!segment.optional && segment.kind !== "catch-all") return false;
      continue;
    }
    if (!constraints.every((holds) => holds(value))) return false;
    values[name] = value;
  }
  return true;
}

function compileSegment(text: string, fail: (why: string) => never): Segment {
  if (text === "") fail("has an empty segment");
  const parts = tokens(text, fail);
  const parameters: Parameter[] = [];
  let optional = false;
  let catchAll = false;
  let source = "";
  for (const part of parts) {
    if (part.literal) {
      source += escapeRegExp(part.text);
      continue;
    }
    const match = PARAMETER.exec(part.text);
    if (!match) return fail(`has a malformed parameter: {${part.text}}`);
    const [, stars, name = "", constraintText = "", defaultText, question] = match;
    const constraints = [
      ...constraintText.matchAll(/:([^:(]+)(?:\(((?:[^()]|\([^()]*\))*)\))?/g),
    ].map(
      ([, constraint = "", argument]) =>
        compileConstraint(constraint, argument) ?? fail(`has an unknown constraint: ${constraint}`),
    );
    const isCatchAll = stars !== "";
    if ((isCatchAll || question !== undefined) && parts.length > 1) {
      fail("has an optional or catch-all parameter that does not fill its segment");
    }
    catchAll ||= isCatchAll;
    optional ||= question !== undefined || defaultText !== undefined;
    parameters.push({ name, constraints, defaultValue: defaultText?.slice(1) });
    source += isCatchAll ? "(.*)" : "(.+)";
  }
  const kind = catchAll ? "catch-all" : parameters.length === 0 ? "literal" : "parameter";
  const constrained = parameters.some(({ constraints }) => constraints.length > 0);
  const precedence = {
    literal: 1,
    parameter: constrained || parts.length > 1 ? 2 : 3,
    "catch-all": constrained ? 4 : 5,
  };
  return {
    kind,
    pattern: new RegExp(`^${source}$`, kind === "literal" ? "i" : "is"),
    parameters,
    optional: optional || catchAll,
    precedence: precedence[kind],
  };
}
