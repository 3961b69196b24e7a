export type Constraint = (value: string) => boolean;

const GUID = /^[{(]?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}[)}]?$/i;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const MAX_REGEX_CHARS = 500;

function integerWithin(min: bigint, max: bigint): Constraint {
  return (value) => {
    if (!/^[+-]?\d{1,19}$/.test(value)) return false;
    const number = BigInt(value.replace(/^\+/, ""));
    return number >= min && number <= max;
  };
}

/** The check of `{name:constraint(argument)}`; undefined if there is no such constraint. */
export function compileConstraint(
  name: string,
  argument: string | undefined,
): Constraint | undefined {
  if (argument === undefined) return simpleConstraint(name);
  const [first, second] = argument.split(",").map(Number);
  switch (name) {
    case "length":
      return (value) => value.length >= (first ?? 0) && value.length <= (second ?? first ?? 0);
    case "minlength":
      return (value) => value.length >= (first ?? 0);
    case "maxlength":
      return (value) => value.length <= (first ?? 0);
    case "min":
      return (value) => /^[+-]?\d+$/.test(value) && Number(value) >= (first ?? 0);
    case "max":
      return (value) => /^[+-]?\d+$/.test(value) && Number(value) <= (first ?? 0);
    case "range":
      return (value) =>
        /^[+-]?\d+$/.test(value) && Number(value) >= (first ?? 0) && Number(value) <= (second ?? 0);
    case "regex": {
      if (argument.length > MAX_REGEX_CHARS) return undefined;
      const pattern = new RegExp(argument, "i");
      return (value) => pattern.test(value);
    }
    default:
      return undefined;
  }
}

function simpleConstraint(name: string): Constraint | undefined {
  switch (name) {
    case "int":
      return integerWithin(-(2n ** 31n), 2n ** 31n - 1n);
    case "long":
      return integerWithin(-(2n ** 63n), 2n ** 63n - 1n);
    case "bool":
      return (value) => /^(true|false)$/i.test(value);
    case "decimal":
    case "double":
    case "float":
      return (value) => NUMBER.test(value);
    case "guid":
      return (value) => GUID.test(value);
    case "alpha":
      return (value) => /^[a-z]*$/i.test(value);
    case "datetime":
      return (value) => !Number.isNaN(Date.parse(value));
    case "required":
      return (value) => value !== "";
    default:
      return undefined;
  }
}
