# SPDX-License-Identifier: MIT
#
# Every verb of the project, for a person and for CI alike. `make help` lists them.
# What is built goes to build/ and nowhere else.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
# All processors, unless somebody says how many.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
SHELL := /bin/bash

# ---- what a person may set -----------------------------------------------------------------

BUILD   ?= build
CC      := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
# A whole path, for the launcher's first line, also where the set-up has yet to install it.
ifeq ($(origin PYTHON),undefined)
PYTHON  := $(or $(wildcard /usr/bin/python3),$(shell command -v python3),/usr/bin/python3)
endif
PREFIX  ?= /usr/local
DESTDIR ?=
# 1: a warning ends the build.
WERROR  ?= 1
# Only these folders of libinspect/src, and only these tests: `make unit BUILD=/tmp/b
# FOLDERS="base memory" TESTS=space` while the others are being worked on.
FOLDERS ?= *
TESTS   ?= *
CFLAGS  ?= -O2 -g
# 1: show the commands.
V       ?= 0

# ---- the library ---------------------------------------------------------------------------

ROOT     := $(CURDIR)
LIB      := libinspect
HEADER   := $(LIB)/include/libinspect.h
HASH_H   := $(LIB)/src/api/abi_hash.h
ABI_PY   := gdbext/refscope/_abi.py
GEN_ABI  := gdbext/tools/gen_abi.py
MAP      := $(LIB)/libinspect.map
SONAME   := libinspect.so.0

LIB_SRC  := $(sort $(wildcard $(foreach f,$(FOLDERS),$(LIB)/src/$(f)/*.c)))
TEST_SRC := $(sort $(wildcard $(LIB)/tests/main.c $(LIB)/tests/support/*.c \
                              $(foreach t,$(TESTS),$(LIB)/tests/test_$(t).c)))
FUZZ     := $(patsubst $(LIB)/fuzz/fuzz_%.c,%,$(wildcard $(LIB)/fuzz/fuzz_*.c))
C_FILES  := $(sort $(wildcard test-targets/leakcheck/*.c $(LIB)/include/*.h $(LIB)/src/*/*.[ch] $(LIB)/tests/*.[ch] \
                              $(LIB)/tests/support/*.[ch] $(LIB)/fuzz/*.[ch] $(LIB)/fuzz/plain/*.h $(LIB)/bench/*.[ch]))

WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wmissing-prototypes \
            -Wstrict-prototypes -Wformat=2 -Wundef $(if $(filter 1,$(WERROR)),-Werror)
CPPFLAGS += -D_GNU_SOURCE -I$(LIB)/include
FLAGS    := -std=c11 $(WARN) -fPIC -fvisibility=hidden -pthread
LIBS     := -lelf -larchive -lz -lZydis -lZycore -lpthread
# What tests see: check's macros are GNU C, and a test reads better with a plain int.
TEST_CPPFLAGS := -I$(LIB)/tests -I$(BUILD)/tests
TEST_FLAGS    := -Wno-gnu-zero-variadic-macro-arguments -Wno-pedantic -Wno-conversion

Q := $(if $(filter 1,$(V)),,@)
# $(call say,WHAT): one line for a command that is not shown.
say = $(if $(Q),@echo '  $1 $(patsubst $(ROOT)/%,%,$@)')

# ---- verbs ---------------------------------------------------------------------------------

.PHONY: all build
all: build ## The library and a runnable build/bin/refscope (the default)
build: $(BUILD)/lib/libinspect.so $(BUILD)/lib/libinspect.a $(BUILD)/bin/refscope

.PHONY: help
help: ## This list
	@echo "make VERB, where VERB is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

# ---- set-up: what the machine must have ----------------------------------------------------
#
# Verbs that promise to work on a bare machine install what is missing; the others only say
# what it is. `make check SETUP=verify` installs nothing either.

SETUP_VERBS := demo check lint asan valgrind fuzz replay mutants interpreters check-matrix setup
SETUP ?= $(if $(filter $(SETUP_VERBS),$(MAKECMDGOALS)),install,verify)
READY := $(BUILD)/ready

.PHONY: setup
setup: $(READY)/build $(READY)/test $(READY)/demo $(READY)/lint $(READY)/fuzz ## Install what every verb needs

# Groups that the verbs asked for come to in the end: what is missing is said, and installed, at once.
WANTED := $(if $(filter check test unit asan valgrind demo,$(MAKECMDGOALS)),test) $(filter demo lint,$(MAKECMDGOALS)) \
          $(if $(filter setup,$(MAKECMDGOALS)),test demo lint)

$(READY)/%: $(LIB)/tools/setup
	@mkdir -p $(@D)
	@BUILD=$(BUILD) $(LIB)/tools/setup $(SETUP) $* $(WANTED) && touch $@

# One after the other: two apt-get at once get in each other's way.
$(READY)/test: | $(READY)/build
$(READY)/demo: | $(READY)/test
$(READY)/lint: | $(READY)/demo
$(READY)/fuzz: | $(READY)/lint

# ---- flavours: the same sources, compiled for different ends -------------------------------
#
# $(call flavour,DIR,COMPILER,FLAGS,GROUP) makes rules for DIR/obj/**.o, DIR/lib/libinspect.a and
# DIR/bin/unit; GROUP is what the set-up must have seen to. A file that holds the flags makes objects depend on them.

# $(call keep,FILE,TEXT): FILE holds TEXT, and is written only when that changes.
keep = @mkdir -p $(dir $1); echo '$2' | cmp -s - $1 || echo '$2' > $1

.PHONY: FORCE
FORCE:

define flavour
$1/obj/flags: FORCE
	$$(call keep,$$@,$2 $$(CPPFLAGS) $$(FLAGS) $3)
$1/obj/sources: FORCE
	$$(call keep,$$@,$$(LIB_SRC) $$(TEST_SRC))

# tests/ and bench/
$1/obj/%.o: $$(LIB)/%.c $1/obj/flags $(BUILD)/tests/suites.inc | $$(READY)/test
	@mkdir -p $$(@D)
	$$(call say,compile)
	$$(Q)$2 $$(CPPFLAGS) $$(TEST_CPPFLAGS) $$(FLAGS) $$(TEST_FLAGS) $3 -MMD -MP -c $$< -o $$@
$1/obj/%.o: $$(LIB)/src/%.c $1/obj/flags | $$(READY)/$4
	@mkdir -p $$(@D)
	$$(call say,compile)
	$$(Q)$2 $$(CPPFLAGS) $$(FLAGS) $3 $$(EXTRA) -MMD -MP -c $$< -o $$@

$1/obj/api/abi.o: $$(HASH_H)

$1/lib/libinspect.a: $$(LIB_SRC:$$(LIB)/src/%.c=$1/obj/%.o) $1/obj/sources
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,archive)
	$$(Q)ar rcs $$@ $$(filter %.o,$$^)
$1/bin/unit: $$(TEST_SRC:$$(LIB)/tests/%.c=$1/obj/tests/%.o) $1/lib/libinspect.a $1/obj/sources
	@mkdir -p $$(@D)
	$$(call say,link   )
	$$(Q)$2 $3 -pthread $$(filter %.o %.a,$$^) $$$$(pkg-config --libs check) $$(LIBS) -o $$@

-include $$(LIB_SRC:$$(LIB)/src/%.c=$1/obj/%.d) $$(TEST_SRC:$$(LIB)/tests/%.c=$1/obj/tests/%.d)
endef

$(eval $(call flavour,$(BUILD),$(CC),$(CFLAGS),build))

# main.c runs every suite that a test file defines: `Suite *NAME(void)`.
$(BUILD)/tests/suites.inc: $(TEST_SRC) FORCE
	$(call keep,$@,$(shell sed -n 's/^Suite \*\([a-z0-9_]*\)(void).*/SUITE(\1)/p' $(TEST_SRC)))

$(BUILD)/lib/$(SONAME): $(LIB_SRC:$(LIB)/src/%.c=$(BUILD)/obj/%.o) $(MAP) $(BUILD)/obj/sources
	@mkdir -p $(@D)
	$(call say,link   )
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$(MAP) \
	    -Wl,-z,defs -Wl,-z,relro -Wl,-z,now $(filter %.o,$^) $(LIBS) -o $@
$(BUILD)/lib/libinspect.so: $(BUILD)/lib/$(SONAME)
	@ln -sf $(SONAME) $@

# The library answers insp_abi() with a hash of the header it was built from, so that bindings
# made from another one notice. Needs no clang, unlike `make gen`.
$(HASH_H): $(HEADER) $(GEN_ABI) | $(READY)/build
	@$(PYTHON) $(GEN_ABI) --hash $@ && touch $@

# ---- the command line ----------------------------------------------------------------------

$(BUILD)/bin/refscope: gdbext/tools/launcher.in Makefile
	@mkdir -p $(@D)
	@sed -e 's|@PYTHON@|$(PYTHON)|' -e 's|@PACKAGE@|$(ROOT)/gdbext|' $< > $@
	@chmod +x $@

# ---- tests ---------------------------------------------------------------------------------

RUN := $(LIB)/tools/with-env $(BUILD) $(PYTHON)

.PHONY: check test unit
check: test ## Set the machine up, build, run all tests
test: build $(BUILD)/bin/unit $(BUILD)/bin/counted $(BUILD)/bin/moved $(BUILD)/bin/a64-run $(FUZZ:%=$(BUILD)/asan/bin/fuzz-%) | $(READY)/test ## All tests: C units, Python, end to end
	@$(RUN) $(LIB)/tools/run-tests $(BUILD) unit python e2e
unit: $(BUILD)/bin/unit ## The C unit tests alone (CK_RUN_SUITE=space runs one suite)
	$(BUILD)/bin/unit

# The cache outside the sources is a setting, REFSCOPE_INTERPRETERS.
.PHONY: interpreters
interpreters: | $(READY)/test ## Have interpreters of other versions to test with
	@BUILD=$(BUILD) $(LIB)/tools/setup $(SETUP) matrix || echo "interpreters: those of another machine are left out"
	@$(RUN) test-targets/interpreters

.PHONY: check-matrix
check-matrix: build $(BUILD)/bin/a64-run $(BUILD)/bin/moved interpreters ## Every interpreter against its own truth; leaves build/matrix.md
	@$(RUN) test-targets/tests/test_a64.py
	@$(RUN) test-targets/tests/test_moved.py --every
	@$(RUN) test-targets/matrix

SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
$(eval $(call flavour,$(BUILD)/asan,gcc,$(SANITIZE),build))

.PHONY: asan valgrind
asan: $(BUILD)/asan/bin/unit ## The C unit tests with address, leak and undefined-behaviour checks
	CK_FORK=no $(BUILD)/asan/bin/unit
# Without the suite that compares with the processor: here the processor is valgrind's. And without
# the large graphs: a quarter of an hour for what asan has seen and the small ones show.
valgrind: $(BUILD)/bin/unit | $(READY)/test ## The C unit tests under valgrind
	SKIP_SUITES='insp_machine_cpu_suite insp_graph_large_suite' CK_FORK=no valgrind --quiet --fair-sched=try --error-exitcode=1 \
	    --leak-check=full --errors-for-leak-kinds=definite,indirect $(BUILD)/bin/unit

# The parsers, fed what they do not expect. $(call fuzzed,DIR,FLAGS,DRIVER) makes DIR/NAME of each
# fuzz_NAME.c: with libFuzzer, or with a driver that needs no clang.
SUPPORT := $(filter $(LIB)/tests/support/%,$(TEST_SRC))
SUPPORT := $(filter %/fakeheap.c %/elfwriter.c %/toylib.c,$(SUPPORT))
# Warnings are lint-clang's business.
FUZZED  := -Wno-error -fsanitize=address,undefined -fno-sanitize-recover=all
# Seconds for each target, and which.
SECONDS ?= 60
TARGETS ?= $(FUZZ)

$(eval $(call flavour,$(BUILD)/fuzzer,clang,-O1 -g -fsanitize=fuzzer-no-link $(FUZZED),fuzz))
define fuzzed
$1/bin/fuzz-%: $(LIB)/fuzz/fuzz_%.c $(LIB)/fuzz/memfile.c $4 $(wildcard $(LIB)/fuzz/*.h) \
               $(LIB)/fuzz/plain/check.h $(SUPPORT) $1/lib/libinspect.a
	@mkdir -p $$(@D)
	$$(call say,link   )
	$$(Q)$2 $$(CPPFLAGS) -I$(LIB)/fuzz/plain $$(FLAGS) $$(TEST_FLAGS) $3 $$(filter %.c %.a,$$^) \
	    $$(LIBS) -o $$@
endef
$(eval $(call fuzzed,$(BUILD)/fuzzer,clang,-O1 -g -fsanitize=fuzzer $(FUZZED),))
$(eval $(call fuzzed,$(BUILD)/asan,gcc,$(SANITIZE),$(LIB)/fuzz/replay.c))
$(eval $(call fuzzed,$(BUILD),$(CC),$(CFLAGS),$(LIB)/fuzz/replay.c))

.PHONY: fuzz replay
# Each target as its own run: the first finding ends it, and its input is kept.
fuzz: $(FUZZ:%=$(BUILD)/fuzzer/bin/fuzz-%) $(FUZZ:%=$(BUILD)/bin/fuzz-%) ## Run libFuzzer on each parser (SECONDS=60 TARGETS="core objects")
	@for t in $(TARGETS); do \
	    mkdir -p $(BUILD)/fuzzer/corpus/$$t && \
	    $(BUILD)/bin/fuzz-$$t --write $(BUILD)/fuzzer/corpus/$$t && \
	    $(BUILD)/fuzzer/bin/fuzz-$$t -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=1024 \
	        -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzzer/found-$$t- \
	        $(BUILD)/fuzzer/corpus/$$t 2>$(BUILD)/fuzzer/$$t.log || \
	        { tail -n 40 $(BUILD)/fuzzer/$$t.log; exit 1; }; \
	    echo "fuzz: $$t: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(BUILD)/fuzzer/$$t.log) inputs"; \
	done
replay: $(FUZZ:%=$(BUILD)/asan/bin/fuzz-%) ## The same targets without clang: their seeds and damaged ones, checked by asan
	@for t in $(FUZZ); do printf 'replay: %s: ' $$t; $(BUILD)/asan/bin/fuzz-$$t -n $(N) -s $(SEED) || exit 1; done

# Cores damaged on purpose: N of them from SEED on, of one planted program or several.
N       ?= 200
SEED    ?= 0
MUTATED ?= bare mixed
.PHONY: mutants
mutants: build | $(READY)/test ## Ask everything about N damaged cores (N=200 SEED=0 MUTATED="bare mixed")
	@$(RUN) $(LIB)/fuzz/mutants.py -n $(N) --seed $(SEED) $(MUTATED)

# ---- measuring -----------------------------------------------------------------------------

# Seconds of this machine, printed and never asserted. HEAPS="1e5 1e6" leaves the large one out.
HEAPS ?= 1e5 1e6 1e7
.PHONY: bench
bench: build | $(READY)/test ## Measure every stage beside gc.collect() of the same heap (HEAPS="1e5 1e6 1e7")
	@BUILD=$(BUILD) $(RUN) test-targets/bench/run $(HEAPS)

# What does not depend on the machine's speed, make check asserts.
-include $(BUILD)/obj/bench/counted.d
$(BUILD)/bin/counted: $(BUILD)/obj/bench/counted.o $(BUILD)/obj/tests/support/fakeheap.o $(BUILD)/lib/libinspect.a
	@mkdir -p $(@D)
	$(call say,link   )
	$(Q)$(CC) $(CFLAGS) -pthread $^ $$(pkg-config --libs check) $(LIBS) -o $@
# Reads a core by layouts that are wrong in one field.
-include $(BUILD)/obj/tests/moved.d
$(BUILD)/bin/moved: $(BUILD)/obj/tests/moved.o $(BUILD)/lib/libinspect.a
	@mkdir -p $(@D)
	$(call say,link   )
	$(Q)$(CC) $(CFLAGS) -pthread -Wl,--wrap=insp_layout_take $^ $(LIBS) -o $@
# Interprets functions of an executable of aarch64.
-include $(BUILD)/obj/tests/a64_run.d
$(BUILD)/bin/a64-run: $(BUILD)/obj/tests/a64_run.o $(BUILD)/lib/libinspect.a
	@mkdir -p $(@D)
	$(call say,link   )
	$(Q)$(CC) $(CFLAGS) -pthread $^ $(LIBS) -o $@
.PHONY: instructions
instructions: $(BUILD)/bin/counted | $(READY)/test ## Keep how many instructions each stage takes with this compiler
	@$(RUN) test-targets/bench/instructions

# ---- the demonstration ---------------------------------------------------------------------

.PHONY: demo
demo: build | $(READY)/demo ## Plant a leak in a Python program, dump it, ask who holds the object
	@$(RUN) gdbext/tools/demo.py

# ---- lint ----------------------------------------------------------------------------------

LINT    := $(BUILD)/lint
SCRIPTS  = $(shell grep -IlsE '^\#!.*/(ba)?sh' $(wildcard .ci/run $(LIB)/tools/* gdbext/tools/* test-targets/*))
# gen_layouts.py runs in gdb, which gives it names.
PYTHONS  = $(shell find gdbext test-targets $(LIB)/tools $(LIB)/fuzz -name '*.py' ! -name gen_layouts.py)
PROSE    = $(wildcard *.md docs docs/*) libinspect gdbext test-targets Makefile .ci

$(eval $(call flavour,$(BUILD)/clang,clang,-O2,lint))
$(eval $(call flavour,$(BUILD)/analyzer,gcc,-O2 -fanalyzer -Wno-analyzer-null-dereference \
    -Wno-analyzer-use-of-uninitialized-value,build))

# What both analysers are told beforehand; error.c defines the very functions it is about.
ANALYSIS := -include $(LIB)/tools/analysis.h
$(BUILD)/analyzer/obj/%.o $(LINT)/tidy/%.ok: EXTRA = $(ANALYSIS)
$(BUILD)/analyzer/obj/base/error.o $(LINT)/tidy/base/error.ok: EXTRA =

LINTS := lint-format lint-clang lint-analyzer lint-tidy lint-cppcheck lint-python lint-shell \
         lint-spelling lint-house check-gen
.PHONY: lint $(LINTS) format
lint: $(LINTS) ## Every check of the sources that runs no test
	@echo "lint: $(words $(LINTS)) checks passed, 0 failed"

# Versions of clang-format disagree with each other; 14, Debian 12's, decides.
lint-format: | $(READY)/lint
	$(call say,format )
	$(Q)case "$$(clang-format --version)" in \
	*" 14."*) clang-format --dry-run -Werror $(C_FILES) ;; \
	*) echo "lint: only clang-format 14 checks the layout" ;; esac
format: | $(READY)/lint ## Lay C sources out
	clang-format -i $(C_FILES)
lint-clang: $(LIB_SRC:$(LIB)/src/%.c=$(BUILD)/clang/obj/%.o) | $(READY)/lint
lint-analyzer: $(LIB_SRC:$(LIB)/src/%.c=$(BUILD)/analyzer/obj/%.o)
# Only files that changed, or whose headers did: -MD's list is that of the clang build.
lint-tidy: $(LIB_SRC:$(LIB)/src/%.c=$(LINT)/tidy/%.ok)
$(LINT)/tidy/%.ok: $(BUILD)/clang/obj/%.o .clang-tidy $(LIB)/tools/analysis.h | $(READY)/lint
	@mkdir -p $(@D)
	$(call say,tidy   )
	$(Q)clang-tidy --quiet $(LIB)/src/$*.c -- $(CPPFLAGS) $(FLAGS) $(EXTRA) 2>$@.log >&2 || \
	    { cat $@.log; exit 1; }
	@touch $@
lint-cppcheck: | $(READY)/lint
	@mkdir -p $(LINT)/cppcheck
	$(call say,cppcheck)
	$(Q)cppcheck --quiet --enable=warning,style,performance,portability --inline-suppr \
	    --error-exitcode=1 --std=c11 -j 2 --cppcheck-build-dir=$(LINT)/cppcheck \
	    --suppress=unusedStructMember --suppress=clarifyCalculation \
	    --suppress=memleak -I$(LIB)/include $(LIB)/src
# Tests import context.py for what it does: it makes the package be found.
lint-python: | $(READY)/lint
	$(call say,python )
	$(Q)$(PYTHON) -W error -m compileall -q -f gdbext test-targets $(LIB)/tools $(LIB)/fuzz
	$(Q)! pyflakes3 $(PYTHONS) $(LIB)/tools/run-tests | grep -v "'context' imported but unused"
	$(Q)$(PYTHON) gdbext/tools/lint.py gdbext/refscope
lint-shell: | $(READY)/lint
	$(call say,shell  )
	$(Q)shellcheck $(SCRIPTS)
lint-spelling: | $(READY)/lint
	$(call say,spelling)
	$(Q)codespell --skip='*.pyc,*.inc,*.map' --ignore-words $(LIB)/tools/words.txt $(PROSE)
lint-house:
	$(call say,house  )
	$(Q)$(foreach tool,$(wildcard $(LIB)/tools/layers $(LIB)/tools/sizes),$(tool) && )true

# ---- generated, and committed --------------------------------------------------------------

.PHONY: gen check-gen gen-layouts
gen: | $(READY)/lint ## Write the ctypes bindings anew from libinspect.h (needs clang)
	$(PYTHON) $(GEN_ABI) --hash $(HASH_H) --python $(ABI_PY)
# Of those that `make interpreters` found; what builds that are not here taught stays.
gen-layouts: ## Write the layout tables anew from the interpreters' debug information
	$(LIB)/tools/gen-layouts
check-gen: | $(READY)/lint ## Fail where the committed bindings are not those of libinspect.h
	$(PYTHON) $(GEN_ABI) --check --hash $(HASH_H) --python $(ABI_PY)

# The screens are of this machine's dump of orders.py: their addresses change each time.
GEN_DOCS := $(PYTHON) gdbext/tools/gen_docs.py
.PHONY: docs screens
docs: ## Write docs/commands.md anew from the help texts and docs/screens
	$(GEN_DOCS) commands > docs/commands.md.part && mv docs/commands.md.part docs/commands.md
screens: build | $(READY)/demo ## Take docs/screens anew from a core of orders.py, then docs
	$(RUN) gdbext/tools/demo.py > /dev/null
	$(GEN_DOCS) screens $(BUILD)/cores/orders/core
	$(MAKE) docs
$(BUILD)/man/refscope.1: gdbext/tools/gen_docs.py $(wildcard gdbext/refscope/*.py gdbext/refscope/verbs/*.py)
	@mkdir -p $(@D)
	@$(GEN_DOCS) man > $@

# ---- installing ----------------------------------------------------------------------------

LIBDIR  ?= $(PREFIX)/lib
SHARE   := $(PREFIX)/share/refscope
MAN1    := $(PREFIX)/share/man/man1
VERSION  = $(shell sed -n 's/^\#define VERSION "\(.*\)"/\1/p' $(LIB)/src/api/abi.c)

.PHONY: install
install: build $(BUILD)/man/refscope.1 ## Install below PREFIX (/usr/local), through DESTDIR
	install -d $(addprefix $(DESTDIR),$(LIBDIR)/pkgconfig $(PREFIX)/include $(PREFIX)/bin $(SHARE) $(MAN1))
	install -m 644 $(BUILD)/man/refscope.1 $(DESTDIR)$(MAN1)/refscope.1
	install -m 644 $(BUILD)/lib/$(SONAME) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libinspect.so
	install -m 644 $(HEADER) $(DESTDIR)$(PREFIX)/include/libinspect.h
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' \
	    $(LIB)/libinspect.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/libinspect.pc
	cd gdbext && find refscope \( -name '*.py' -o -name '*.types' \) -exec install -D -m 644 {} $(abspath $(DESTDIR)/$(SHARE))/{} \;
	install -m 644 gdbext/refscope-gdb.py $(DESTDIR)$(SHARE)/refscope-gdb.py
	sed -e 's|@PYTHON@|$(PYTHON)|' -e 's|@PACKAGE@|$(SHARE)|' gdbext/tools/launcher.in \
	    > $(DESTDIR)$(PREFIX)/bin/refscope
	chmod 755 $(DESTDIR)$(PREFIX)/bin/refscope

# ---- away with it --------------------------------------------------------------------------

.PHONY: clean distclean
clean: ## Remove what was built, keep what the set-up knows
	rm -rf $(filter-out $(READY) $(BUILD)/python-headers,$(wildcard $(BUILD)/*))
distclean: ## Remove everything that is not in the repository
	rm -rf $(BUILD)
	find gdbext test-targets -name __pycache__ -prune -exec rm -rf {} +
