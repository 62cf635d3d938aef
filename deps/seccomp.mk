# The system calls by name and number, from libseccomp's table; and the built-in profile: default.json is compiled by a
# program of the build, which is linked with the filter itself. RUN: how to run them, where they are for another machine.

CALLS := $(OUT)/calls-generate
GENERATE := $(OUT)/seccomp-generate
GENERATE_PARTS := deps/seccomp-generate.c $(addprefix shim/filter/,answer.c calls.c changes.c code.c compile.c profile.c read.c \
		  where.c) $(addprefix shim/base/,capability.c diag.c fd.c mem.c nearest.c problem.c text.c) \
		  $(wildcard shim/input/yaml*.c)

.DEFAULT_GOAL := all
GENERATED += $(GEN)/calls.o $(GEN)/default_filter.o

$(CALLS): $(OUT)/deps/calls-generate.o $(ARCHIVES)
	$(call say,LINK)
	$(CC) $(OWN_LDFLAGS) $(LDFLAGS) $< $(LIBSECCOMP) -o $@

$(GEN)/calls.c: $(CALLS)
	$(call say,GEN)
	@mkdir -p $(@D)
	$(RUN) $(CALLS) >$@

$(GENERATE): $(GENERATE_PARTS:%.c=$(OUT)/%.o) $(GEN)/calls.o $(ARCHIVES)
	$(call say,LINK)
	$(CC) $(OWN_LDFLAGS) $(LDFLAGS) $(filter %.o,$^) $(LDLIBS) -o $@

$(GEN)/default_filter.c: config/seccomp/default.json $(GENERATE)
	$(call say,GEN)
	@mkdir -p $(@D)
	$(RUN) $(GENERATE) $< >$@

-include $(OUT)/deps/calls-generate.d $(OUT)/deps/seccomp-generate.d

# The simulator of the tests: compares filters with their JSON, and with what libseccomp makes of it.
BPFSIM_PARTS := $(wildcard test/filter/*.c) $(filter-out deps/%,$(GENERATE_PARTS)) \
		$(addprefix shim/,filter/filter.c filter/image.c init/filter.c privilege/identity.c walk/ground.c walk/held.c walk/rule.c walk/trust.c walk/walk.c)

fixtures: $(BUILD)/test/bpfsim

$(BUILD)/test/bpfsim: $(BPFSIM_PARTS:%.c=$(OUT)/%.o) $(GEN)/calls.o $(GEN)/default_filter.o $(ARCHIVES)
	$(call say,LINK)
	@mkdir -p $(@D)
	$(CC) $(OWN_LDFLAGS) $(LDFLAGS) $(filter %.o,$^) $(LDLIBS) $(LIBSECCOMP) -o $@

-include $(patsubst %.c,$(OUT)/%.d,$(wildcard test/filter/*.c))

# What the filter costs to load, and each call under it: $(BUILD)/bench/filter config/seccomp/default.json PROFILE.json
$(BUILD)/bench/filter: $(OUT)/bench/filter.o $(filter-out $(OUT)/test/%,$(BPFSIM_PARTS:%.c=$(OUT)/%.o)) \
		       $(GEN)/calls.o $(GEN)/default_filter.o $(ARCHIVES)
	$(call say,LINK)
	@mkdir -p $(@D)
	$(CC) $(OWN_LDFLAGS) $(LDFLAGS) $(filter %.o,$^) $(LDLIBS) $(LIBSECCOMP) -o $@
