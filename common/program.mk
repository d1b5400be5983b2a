# Builds one program from its src/ and from common/; included by gateway/Makefile and
# cli/Makefile after they set
#
#     program    its name
#     packages   what pkg-config knows its libraries by
#     parts      folders of common/ it uses, "." for common itself
#
# make -C DIR -f …/gateway/Makefile builds into DIR.  WERROR=1 makes warnings errors,
# SANITIZE=address,undefined builds with clang's sanitizers, COPT='…' adds compiler
# options, V=1 shows command lines.  Sources are found, not listed.
here := $(abspath $(dir $(firstword $(MAKEFILE_LIST))))
root := $(abspath $(here)/..)
version := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(root)/extension/velostream.control)

ifeq ($(CURDIR),$(here))
$(error build into another folder: make -C DIR -f $(here)/Makefile, as scripts/build does)
endif

sources := $(sort $(shell find $(here)/src -name '*.c') \
	$(foreach part,$(parts),$(wildcard $(root)/common/$(part)/*.c)))
objects := $(patsubst $(root)/%.c,obj/%.o,$(foreach s,$(sources),$(abspath $(s))))

ifneq ($(shell pkg-config --exists $(packages) && echo yes),yes)
$(error $(program) needs $(packages): run scripts/setup)
endif

CC := $(if $(SANITIZE),clang,gcc)
CPPFLAGS := -D_GNU_SOURCE -DVELO_VERSION='"$(version)"' -I$(root) \
	$(shell pkg-config --cflags $(packages))
# Plug-ins (routes of C, commands) register through linker sections that no code names:
# never add -Wl,--gc-sections.
CFLAGS := -std=gnu11 -O2 -g -pthread -fstack-protector-strong -Wall -Wextra \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer,-D_FORTIFY_SOURCE=2) \
	$(if $(WERROR),-Werror) $(COPT)
LDLIBS := $(shell pkg-config --libs $(packages)) $(EXTRA_LIBS)

quiet := $(if $(V),,@)

.DEFAULT_GOAL := $(program)

# A file that changes only when its text does, so that a new option rebuilds what it must.
remember = $(shell printf '%s\n' '$(subst ','\'',$(2))' >$(1).new; \
	cmp -s $(1).new $(1) && rm $(1).new || mv $(1).new $(1))
$(call remember,compile.flags,$(CC) $(CFLAGS) $(CPPFLAGS))
$(call remember,link.list,$(objects) $(LDLIBS))

$(objects): obj/%.o: $(root)/%.c compile.flags
	@mkdir -p $(@D)
	@echo 'cc $(<:$(root)/%=%)'
	$(quiet)$(CC) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<
-include $(objects:.o=.d)

$(program): $(objects) link.list
	@echo 'ld $@'
	$(quiet)$(CC) $(CFLAGS) -o $@ $(objects) $(LDLIBS)

prefix ?= /usr/local
.PHONY: install
install: $(program)
	install -D -m 755 $(program) $(DESTDIR)$(prefix)/bin/$(program)
