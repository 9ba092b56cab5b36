# The door to everything. The work is done in tools/, CMakeLists.txt and the rockspec.

.PHONY: help install demo test lint asan valgrind fuzz torture docs bench clean
.NOTPARALLEL:

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | while IFS='	' read -r verb text; do \
		printf '  make %-10s %s\n' "$$verb" "$$text"; done

LUA_VERSION = 5.4
PREFIX = /usr/local
BUILD = build/install

install: ## build, and install below PREFIX, or DESTDIR and PREFIX, for LUA_VERSION
	@cmake -S . -B $(BUILD) -DLUA_VERSION=$(LUA_VERSION) -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	@cmake --build $(BUILD)
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD)

demo: ## install what is missing, build and install curlew, download 80 pictures
	@tools/setup demo
	@. build/env && lua examples/download.lua

test: ## install what is missing, lint, run the specs under five Luas and the sanitizers
	@tools/setup test
	@. build/env && tools/test

lint: ## clang-format, clang-tidy, cppcheck, luacheck, luarocks lint: no warning allowed
	@tools/setup test
	@tools/lint

asan: ## the specs with the address, leak and undefined-behaviour sanitizers built in
	@tools/setup test
	@. build/env && tools/specs asan

valgrind: ## the specs tagged #valgrind, under valgrind
	@tools/setup test
	@. build/env && tools/specs valgrind

fuzz: ## bytes that are to break curlew, a minute for each target; EACH=600 for ten
	@tools/packages fuzz
	@fuzz/run

torture: ## what takes too long for each change: memory that fails, a soak, valgrind, ... (hours)
	@tools/setup test
	@tools/packages fuzz
	@. build/env && tools/torture

docs: ## the guides, the reference and the rest as one site: build/docs/index.html
	@tools/packages docs
	@tools/docs

bench: ## curlew beside plain C and its peers; ONLY=http1,one for some rows
	@tools/setup test
	@bench/packages
	@. build/env && bench/run

clean: ## remove what was built here; what was installed stays
	rm -rf build build.luarocks
