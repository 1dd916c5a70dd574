/* The root file system, as the build made it. */
    .section .rodata.rootfs, "a"
    .balign 8
    .global rootfs_begin, rootfs_end
rootfs_begin:
    .incbin ROOTFS
rootfs_end:
