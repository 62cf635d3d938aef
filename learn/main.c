/*
 * capshim-learn: finds the smallest cap_add by running the workload. Never in the image, never in production: what it runs
 * is given, for a while, what the container has.
 */
#include <signal.h>
#include <string.h>

#include "answer.h"
#include "base/diag.h"
#include "log.h"
#include "options.h"
#include "run.h"
#include "search.h"
#include "tailor.h"

#define STATUS_FAILED 1

int main(int, char **argv, char **envp)
{
	static struct learned learned; /* larger than a stack should hold, and zero */
	struct tailored tailored = {0};
	struct learn_options options;
	struct run_context context = {.options = &options, .argv = argv, .envp = envp};
	struct start start = {0};
	struct mem mem = {NULL};

	start_read(&start, &mem);
	learn_options_read(&options, &start, &mem, argv);
	if (options.log)
		return log_names();
	if (start.euid != 0)
		diag_die(DIAG_USER, "capshim-learn must start as root, as capshim does");
	run_begin(&context);
	if (options.profile)
		tailor_begin(&tailored, options.profile, &mem);
	learn_search(&learned, &context, start_bounding(&start, start.permitted));
	if (learned.passed && options.profile)
		tailor_profile(&tailored, &learned, &context, &mem);
	if (options.json)
		answer_json(&learned, &tailored, &context, &mem);
	else
		answer_say(&learned, &tailored, &context, &mem);
	if (options.profile)
		tailor_end(&tailored);
	if (learned.interrupted)
		return 128 + SIGINT;
	return learned.passed && !tailored.why ? 0 : STATUS_FAILED;
}
