/*
 * registry.h
 *	  Plug-ins that register themselves.
 *
 * A format, source, sink, operator, setting or shared-memory segment puts a
 * pointer to its description into a linker section of its kind, so adding one is
 * adding a file.  The order inside a section is link order and means nothing:
 * whoever walks a section looks entries up by name.
 */
#pragma once

#define VELO_REGISTER(kind, Type, instance)                                                        \
	static const Type *const velo_registered_##kind##_##instance                                   \
		__attribute__((used, section("velo_" #kind))) = &(instance)

/* Declares the section of a kind; weak, so that a kind may have no member. */
#define VELO_REGISTRY(kind, Type)                                                                  \
	extern const Type *const __start_velo_##kind[] __attribute__((weak));                          \
	extern const Type *const __stop_velo_##kind[] __attribute__((weak))

#define VELO_FOREACH(kind, Type, entry)                                                            \
	for (const Type *const *entry##_at = __start_velo_##kind, *entry;                              \
		 entry##_at < __stop_velo_##kind && ((entry = *entry##_at), true); entry##_at++)
