/*
 * The workload of the measurements: writes the time at which it runs to standard output, 8 bytes, and ends. Static and
 * as small as it can be, so that what is measured is the way to it.
 */
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_MONOTONIC, &time) != 0)
		return 1;
	const int64_t now = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
	return write(STDOUT_FILENO, &now, sizeof(now)) != sizeof(now);
}
