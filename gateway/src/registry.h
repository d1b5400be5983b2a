/*
 * registry.h
 *	  Parts of the gateway that register themselves.
 *
 * A route of C, a counter or a start-up hook puts a pointer into a linker section of its
 * kind, so adding one is adding a file.  The order inside a section is link order and
 * means nothing.
 */
#pragma once

#define VG_REGISTER(kind, Type, instance)                                                          \
	static Type *const vg_registered_##kind##_##instance                                           \
		__attribute__((used, section("vg_" #kind))) = &(instance)

/* Declares the section of a kind; weak, so that a kind may have no member. */
#define VG_REGISTRY(kind, Type)                                                                    \
	extern Type *const __start_vg_##kind[] __attribute__((weak));                                  \
	extern Type *const __stop_vg_##kind[] __attribute__((weak))

#define VG_FOREACH(kind, Type, entry)                                                              \
	for (Type *const *entry##_at = __start_vg_##kind, *entry;                                      \
		 entry##_at < __stop_vg_##kind && ((entry = *entry##_at), true); entry##_at++)
