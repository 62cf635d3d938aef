/* Linked last: what follows the counters must not lie in a page that is shared (counters.c). */
#define PAGE 4096

__attribute__((used, aligned(PAGE), section("__llvm_prf_cnts"))) static char end[PAGE];
