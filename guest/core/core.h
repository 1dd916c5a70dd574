/* What the root task starts of the portable part, once machine, clock, settings and serial line are there.
 *
 * Neither waits: the session with the hive is made by the turns to come, and what needs it says so until it is there.
 * Settings given at boot (platform.h):
 *
 * | setting     | default      | meaning                                                                       |
 * |-------------|--------------|-------------------------------------------------------------------------------|
 * | `transport` | `virtio-9p`  | or `console`: what carries 9P                                                 |
 * | `mount-tag` | `ninedoor`   | which virtio-9p device                                                        |
 * | `export`    |              | path of the hive inside what QEMU exports, as `/hive`; none: it is the export |
 * | `uname`     | `queen`      | who the guest is: `queen`, or `<role>:<id>` of a worker                       |
 * | `ticket`    |              | its ticket, for the console transport                                         |
 * | `workers`   | 1            | heartbeat workers that a queen runs, 0 to NINEP_WORKERS                       |
 * | `period-ms` | 1000         | between two heartbeats of a worker, or two looks at a job                     |
 * | `job`       |              | descriptor that a GPU's worker hands in, instead of heartbeats                |
 * | `gpu`       | `GPU-0`      | the GPU it has leased                                                         |
 */
#ifndef NINEDOOR_CORE_H
#define NINEDOOR_CORE_H

enum { NINEP_WORKERS = 4 };

/* The client of the hive, its workers, and the lines that wait for /log/queen.log: SOURCE_VIRTIO and SOURCE_NINEP. */
void ninep_start(void);

/* The console on the serial line: SOURCE_CONSOLE. After ninep_start(). */
void console_start(void);

#endif
