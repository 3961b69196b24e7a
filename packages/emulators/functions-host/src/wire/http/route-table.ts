import type { RegisteredFunction } from "../../engine/app/core-module";
import type { AppSettings } from "../../engine/config/app-settings";
import { HttpTriggerBinding, parseBinding } from "../../engine/app/bindings";
import { FunctionsHostError } from "../../engine/diagnostics/errors";
import type { AuthLevel } from "../../engine/app/function-keys";
import { RouteTemplate } from "./route-template";

export interface HttpRoute {
  readonly fn: RegisteredFunction;
  readonly triggerName: string;
  readonly template: RouteTemplate;
  readonly methods: ReadonlySet<string>;
  readonly authLevel: AuthLevel;
}

const RESERVED = /^(admin|runtime)(\/|$)/i;

/** All HTTP functions of the app, the most specific route first. */
export class RouteTable {
  readonly #prefix: readonly string[];
  #routes: HttpRoute[] = [];

  constructor(routePrefix: string) {
    this.#prefix = routePrefix.split("/").filter((segment) => segment !== "");
  }

  get prefix(): string {
    return this.#prefix.join("/");
  }

  /** @throws FunctionsHostError if the binding, its route or a setting that it names is not valid */
  add(fn: RegisteredFunction, triggerName: string, settings: AppSettings): HttpRoute {
    const where = `Function "${fn.metadata.name}"`;
    const binding = parseBinding(HttpTriggerBinding, fn, triggerName);
    const text = settings.expand(binding.route ?? fn.metadata.name, where);
    if (this.#prefix.length === 0 && RESERVED.test(text)) {
      throw new FunctionsHostError(
        "route-invalid",
        `${where}: route "${text}" is reserved for the host.`,
      );
    }
    const route: HttpRoute = {
      fn,
      triggerName,
      template: new RouteTemplate(text, where),
      methods: new Set(binding.methods),
      authLevel: binding.authLevel,
    };
    this.#routes = [...this.#routes, route].sort((a, b) => a.template.compare(b.template));
    return route;
  }

  /**
   * The function for this request. A known path with a method that no function has is not found either: the service
   * never returns 405, not even for HEAD.
   */
  find(
    method: string,
    path: readonly string[],
  ): { readonly route: HttpRoute; readonly parameters: Record<string, string> } | undefined {
    if (path.length < this.#prefix.length) return undefined;
    for (const [index, segment] of this.#prefix.entries()) {
      if (path[index]?.toLowerCase() !== segment.toLowerCase()) return undefined;
    }
    const rest = path.slice(this.#prefix.length);
    for (const route of this.#routes) {
      if (!route.methods.has(method)) continue;
      const parameters = route.template.match(rest);
      if (parameters) return { route, parameters };
    }
    return undefined;
  }
}
