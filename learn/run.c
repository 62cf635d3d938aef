#include "observe.h"

struct plan;
struct node;

void __real_value_capabilities(struct plan *plan, const struct node *node, void *to);
void __wrap_value_capabilities(struct plan *plan, const struct node *node, void *to);

/* The linker puts this in the place of the function that reads a list of capabilities. */
void __wrap_value_capabilities(struct plan *plan, const struct node *node, void *to)
{
	__real_value_capabilities(plan, node, to);
}
