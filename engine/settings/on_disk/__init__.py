"""Every file that Crossply writes, and how: whole or not at all, private, locked, versioned, and set aside when damaged.

Where (``engine/settings/folders``): S = state folder, D = data folder, C = cache folder, ``CROSSPLY_DATA`` moves all three.
"Whole" = a temporary file beside it, flushed to the disk, renamed over the old one (``whole_files``). "Locked" = a lock across
processes around read, change and write (``file_lock``). "Aside" = renamed to ``NAME.damaged-DATE``, said once, begun anew
(``damaged_files``). On a full disk what was there stays, and the sentence of the last column is said.

======================  =====================  =======  ==============================  =======================================
what                    where                  version  written by                      damaged | newer | full disk
======================  =====================  =======  ==============================  =======================================
settings                S/settings.json        5, with  ``settings_file``: whole,       aside, defaults | left alone: the
                        (JSON)                 steps    locked                          window says so and starts with the
                                                                                        defaults, crossplyctl refuses | said
speeds measured         S/speeds.json (JSON)   2        ``speed_file``: whole, locked   aside | left alone, said | said; is
                                                                                        measured again
API keys                S/api-key,             -        ``api_key_file``: whole,        counts as none: another is made | - |
                        S/llama-server-key             the inner one locked            said, the API is not opened
accepted host keys      S/known_hosts          sshd(8)  ``accepted_keys``: whole,       a broken line names nobody, and is kept
                                                        locked                          | - | said, key not kept
who runs                S/run.json (JSON)      -        ``run_file``: whole, not        counts as nobody | - | others see an
                                                        flushed; its writer holds       older state
                                                        S/run.lock while it lives
history of runs         D/history.sqlite       2, with  ``history_file``: SQLite, WAL   aside with its journal | left alone,
                                               steps                                    said | said, run not kept
cluster files           where a person says    1        ``cluster_store``: whole,       refused, left alone | the same | said,
                        (TOML)                          locked by S/cluster-files.lock  stays unsaved
builds of llama.cpp     D/runtimes/*/          1        ``manifest``, last and flushed; refused with the folder to delete |
                        manifest.json (JSON)            D/runtimes/.lock                the same | said, half a build removed
the demo model          D/models/*.gguf, and   -        ``demo_model``: renamed after   fetched again | - | said
                        *.checked.json                  its hash was right
what was learnt about   C/runtimes.json (JSON) -        ``runtime_finder``: whole       learnt again | learnt again | learnt
builds                                                                                  again at the next start
downloads, sources,     C/*                    -        downloads: *.part, then renamed fetched again | - | said
rpc-server's weights
window: its place,      the system's place for -        Qt (``QSettings``: locked,      default | what is unknown is ignored |
theme, language         Qt's settings                   merged, renamed)                forgotten
records, charts, logs   where a person says    1 (runs) the person's wish: a file that  refused in one sentence | the same |
that are exported                               is there was agreed to before           said
======================  =====================  =======  ==============================  =======================================

On other machines only ``engine/runtimes/remote`` (builds, with a manifest last) and ``engine/ssh/leashed`` (what is to outlive
us) write, below the account's own data folder.

What a kill -9 leaves (temporary files and folders) is swept at the next start when it is old and ours (``leftovers``).
"""
