/**
 * The abort reason that ends a timer which is not needed any more. Nobody reads it, so it is made once: an abort without a reason makes an
 * exception with a stack each time, which costs a small step as much as its statements.
 */
export const over = new Error('it is over');
