export { ApiClient, type ApiClientOptions, type ApiReply } from "./api-client";
export { ApiError, ApiUnreachable, UnexpectedReply, UnsendableRequest } from "./api-errors";
export { type Listed, RepeatedPage } from "./list-pages";
export {
  type CallArguments,
  type ItemOf,
  type ListOperation,
  type ListRequest,
  operationsOf,
  replyingWith,
} from "./operations";
