# The programs of "make bench". What is measured and what it is measured against are static and have the same flags.

BENCH := $(BUILD)/bench
BENCH_PROGRAMS := $(addprefix $(BENCH)/,timer mark tree minimum minimum-filter filter capshim.map)

.PHONY: bench bench-programs
bench:
	deps/install-packages build bench
	$(MAKE) all fixtures bench-programs
	CAPSHIM=$(BINARY) BENCH=$(BENCH) FIXTURES=$(BUILD)/test bench/run

bench-programs: $(BENCH_PROGRAMS)

$(BENCH)/%: bench/%.c $(OUT)/flags | $(LIBDIR)/linux-headers
	$(call say,LINK)
	@mkdir -p $(@D)
	$(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) $(CFLAGS) $(filter %.c,$^) $(OWN_LDFLAGS) $(LDFLAGS) -o $@

# The bare minimum, with and without the built-in filter as finished BPF.
$(BENCH)/minimum: $(BENCH)/no-code.c
$(BENCH)/minimum-filter: bench/minimum.c $(BENCH)/code.c $(OUT)/flags | $(LIBDIR)/linux-headers
	$(call say,LINK)
	$(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) $(CFLAGS) $(filter %.c,$^) $(OWN_LDFLAGS) $(LDFLAGS) -o $@

$(BENCH)/code.c $(BENCH)/no-code.c: $(BENCH)/filter
	$(call say,GEN)
	$< --$(@F:.c=) >$@

# What each module and library costs is in the linker's map.
$(BENCH)/capshim.map: $(BINARY)
	$(call say,LINK)
	@mkdir -p $(@D)
	$(CC) $(OWN_LDFLAGS) $(OWN_LAYOUT) $(LDFLAGS) -Wl,-Map,$@ $(OBJECTS) $(GENERATED) $(LDLIBS) -o $(BENCH)/capshim.linked

# The list by which the binary is laid out. The next build uses it.
.PHONY: first
first: $(BINARY) $(BENCH)/mark
	deps/install-packages build sanitize
	$(CC) $(filter-out -s,$(OWN_LDFLAGS)) $(LDFLAGS) $(OBJECTS) $(GENERATED) $(LDLIBS) -o $(BENCH)/capshim.symbols
	bench/first $(BENCH)/capshim.symbols $(BENCH)/mark >$(BENCH)/first
	cp $(BENCH)/first shim/first

-include $(OUT)/bench/filter.d

.PHONY: lint-bench
lint: lint-bench
lint-bench:
	clang-format-14 --dry-run --Werror bench/*.c
	.ci/style bench/*.c
	shellcheck -x bench/run bench/first bench/*.bash
