/*
 * capshim-learn: finds the smallest cap_add by running the workload. Never in the image, never in production: what it runs
 * is given, for a while, what the container has.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "base/diag.h"
#include "options.h"
#include "run.h"
#include "search.h"

#define STATUS_FAILED 1

int main(int argc, char **argv, char **envp)
{
	static struct learned learned; /* larger than a stack should hold, and zero */
	struct learn_options options;
	struct run_context context = {.options = &options, .argv = argv, .envp = envp};
	struct start start = {0};
	struct mem mem = {NULL};

	(void)argc;
	start_read(&start, &mem);
	learn_options_read(&options, &start, &mem, argv);
	if (start.euid != 0)
		diag_die(DIAG_USER, "capshim-learn must start as root, as capshim does");
	run_begin(&context);
	learn_search(&learned, &context, start.permitted & start.bounding);
	if (options.json)
		answer_json(&learned, &context, &mem);
	else
		answer_say(&learned, &context, &mem);
	return learned.interrupted ? 128 + SIGINT : learned.passed ? 0 : STATUS_FAILED;
}
