import {
  ApiClient,
  ApiError,
  type ApiReply,
  ApiUnreachable,
  type CallArguments,
  type ItemOf,
  type Listed,
  type ListOperation,
  type ListRequest,
  RepeatedPage,
  UnexpectedReply,
  UnsendableRequest,
} from "@postern/api-client";
import { nodeFetch } from "@postern/api-client/node";
import type { FieldProblem, Problem } from "@postern/contracts";
import { CliError, type ExitCode, exitCodes } from "../exit-code";
import { type CliOperations, operations } from "./operations";
import type { Session } from "./session";

const TIMEOUT_MS = 120_000;

/** The API refused or failed: problem details, and the exit code that they come to. */
export class ApiProblem extends CliError {
  readonly problem: Problem;

  constructor(exitCode: ExitCode, problem: Problem) {
    super(exitCode, problem.detail);
    this.name = "ApiProblem";
    this.problem = problem;
  }

  get fields(): readonly FieldProblem[] {
    return this.problem.errors ?? [];
  }
}

/** The HTTP API of one branch, with errors that a person can act on. */
export class Api {
  readonly url: string;
  readonly #client: ApiClient<CliOperations>;

  constructor({ url, token }: Session) {
    this.url = url;
    this.#client = new ApiClient(operations, {
      baseUrl: `${url}/api`,
      fetch: nodeFetch,
      token,
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** @throws CliError */
  async call<Op extends keyof CliOperations>(
    operation: Op,
    ...request: CallArguments<CliOperations[Op]>
  ): Promise<ApiReply<CliOperations[Op]>> {
    try {
      return await this.#client.call(operation, ...request);
    } catch (error) {
      throw explained(error, this.url);
    }
  }

  /**
   * The first `limit` items of a list.
   *
   * @throws CliError
   */
  async list<Op extends ListOperation<CliOperations>>(
    operation: Op,
    request: ListRequest<CliOperations[Op]>,
    limit: number,
  ): Promise<Listed<ItemOf<CliOperations[Op]>>> {
    try {
      return await this.#client.list(operation, request, limit);
    } catch (error) {
      throw explained(error, this.url);
    }
  }
}

/** What is not an error of the client stays as it is. */
function explained(error: unknown, url: string): unknown {
  if (error instanceof ApiError) return refusal(error, url);
  if (error instanceof ApiUnreachable) return unreachable(url, error.code ?? error.reason);
  if (error instanceof UnexpectedReply) {
    return new CliError(
      exitCodes.failed,
      `${url} does not answer as this version of postern expects (${error.request})`,
      [
        "is the address right, and is this program not older than the cloud app by more than one version?",
      ],
    );
  }
  if (error instanceof RepeatedPage) {
    return new CliError(
      exitCodes.failed,
      `${url} returns the same page of the list repeatedly (${error.request})`,
      ["try again; if it happens again, report it as a bug in the cloud app"],
    );
  }
  if (error instanceof UnsendableRequest) {
    return error.part === "token"
      ? new CliError(exitCodes.notAuthenticated, error.message, [
          "of az: az account get-access-token --query accessToken -o tsv",
        ])
      : new CliError(exitCodes.refused, error.message);
  }
  return error;
}

function unreachable(url: string, reason: string): CliError {
  return new CliError(exitCodes.unreachable, `cannot reach ${url}: ${reason}`, [
    reason === "ECONNREFUSED"
      ? "nothing listens there: is the platform running?"
      : "check the address, the network and the proxy",
  ]);
}

function refusal({ status, problem }: ApiError, url: string): CliError {
  // A token is for this address only: nothing is asked of another one.
  if (status >= 300 && status < 400) return unreachable(url, "unexpected redirect");
  const exitCode = exitCodeOf(status);
  if (problem !== undefined) return new ApiProblem(exitCode, problem);
  return new CliError(exitCode, `${url} answered ${status} without saying why`, [
    "is it the address of a Postern cloud app?",
  ]);
}

function exitCodeOf(status: number): ExitCode {
  if (status === 401) return exitCodes.notAuthenticated;
  if (status === 429 || status >= 500) return exitCodes.failed;
  return exitCodes.refused;
}
