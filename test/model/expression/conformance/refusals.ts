/** What is refused when an expression is compiled although CEL has it. docs/policy.md lists the reasons in these words. */
export interface Refusal {
  reason: string;
  /** Names of cases; one that ends with * stands for all that begin so. */
  cases: readonly string[];
}

export const refusals: readonly Refusal[] = [
  {
    reason: 'a variable or function that is not declared, also where its result would not matter (`x || true`)',
    cases: [
      'basic/variables/unbound_is_runtime_error',
      'basic/functions/unbound_is_runtime_error',
      'parse/receiver_function_names/*',
      'fields/qualified_identifier_resolution/qualified_ident',
      'fields/qualified_identifier_resolution/map_field_select',
      'fields/qualified_identifier_resolution/qualified_identifier_resolution_unchecked',
      'fields/qualified_identifier_resolution/ident_with_longest_prefix_check',
    ],
  },
  {
    reason: 'operands whose types are known and do not fit: `true || 32`, `true ? "a" : 17`, `["one"] == [2, 3]`',
    cases: [
      'comparisons/eq_literal/not_eq_list_length',
      'comparisons/eq_literal/eq_list_elem_mixed_types',
      'logic/conditional/mixed_type',
      'logic/AND/short_circuit_type_left',
      'logic/AND/short_circuit_type_right',
      'logic/OR/short_circuit_type_left',
      'logic/OR/short_circuit_type_right',
    ],
  },
  {
    reason: 'a loop over an empty list that is written out (`[].all(x, x > 0)`)',
    cases: ['macros/exists/list_empty', 'macros/all/list_empty', 'macros/exists_one/list_empty'],
  },
  { reason: '`matches()`; write `re()`', cases: ['string/matches/*'] },
  {
    reason: 'messages of protocol buffers (`Type{field: 1}`) and names that begin with a point',
    cases: ['parse/whitespace/*', 'parse/comments/new_line_terminated'],
  },
  {
    reason: 'raw bytes (`br"…"`) and names in backticks; write `body["content-type"]`',
    cases: ['parse/bytes_literals/raw_*', 'parse/bytes_literals/upper_raw_*', 'fields/quoted_map_fields/*'],
  },
  { reason: 'a number that begins with a point (`.99`)', cases: ['comparisons/gt_literal/not_gt_double'] },
  {
    reason: 'a duration before the time that it is added to; write `now + duration("1h")`',
    cases: ['timestamps/timestamp_arithmetic/add_time_to_duration'],
  },
];

/** Of no use without a value that JSON can say: the language has them inside an expression, and no expression may end with one. */
export const withoutJson =
  'a result that JSON cannot say: bytes, a type, NaN and the infinities, a whole number beyond 2^53';
