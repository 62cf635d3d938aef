#include <stdio.h>

int main(void)
{
	puts("capshim-learn " CAPSHIM_VERSION);
	return 100;
}
