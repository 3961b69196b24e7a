/** The expression cannot be compiled. The message says where and why. */
export class ExpressionInvalid extends Error {
  override readonly name = "ExpressionInvalid";
}

/** The expression has no result for one entity. The message holds types, never values: it is shown and stored. */
export class ExpressionFailure extends Error {
  override readonly name = "ExpressionFailure";
}
