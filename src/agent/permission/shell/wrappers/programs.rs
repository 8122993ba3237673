//! The programs that start others, and how they are told which.

/// Wrappers that change nothing about the command behind them: their options
/// with a value, and the operands that come first.
pub const TRANSPARENT: [(&str, &[&str], usize); 8] = [
    ("timeout", &["-k", "-s", "--kill-after", "--signal"], 1),
    ("time", &[], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("nohup", &[], 0),
    ("stdbuf", &["-i", "-o", "-e", "--input", "--output", "--error"], 0),
    ("command", &[], 0),
    ("builtin", &[], 0),
    ("xargs", &[], 0),
];

/// Programs that start what their arguments name, otherwise than it is written.
pub const LAUNCHERS: [&str; 56] = [
    "sudo",
    "doas",
    "env",
    "xargs",
    "parallel",
    "watch",
    "setsid",
    "exec",
    "ionice",
    "chrt",
    "taskset",
    "chroot",
    "unshare",
    "nsenter",
    "setpriv",
    "runuser",
    "su",
    "flock",
    "script",
    "systemd-run",
    "busybox",
    "toybox",
    "numactl",
    "cpulimit",
    "firejail",
    "bwrap",
    "proot",
    "fakeroot",
    "dbus-run-session",
    "dbus-launch",
    "xvfb-run",
    "unbuffer",
    "rlwrap",
    "caffeinate",
    "gdb",
    "valgrind",
    "strace",
    "ltrace",
    "perf",
    "entr",
    "ssh",
    "at",
    "batch",
    "nix-shell",
    "sshpass",
    "proxychains",
    "proxychains4",
    "torsocks",
    "torify",
    "pkexec",
    "gosu",
    "su-exec",
    "tini",
    "dumb-init",
    "catchsegv",
    "hash",
];

/// The same for programs whose first arguments say so. A rule may allow these
/// by their beginning, as it may any program that does what it is told.
pub const RUNNERS: [(&str, &[&str]); 20] = [
    ("npx", &[]),
    ("bunx", &[]),
    ("pnpx", &[]),
    ("uvx", &[]),
    ("uv", &["run"]),
    ("poetry", &["run"]),
    ("pipenv", &["run"]),
    ("bundle", &["exec"]),
    ("npm", &["exec", "x"]),
    ("pnpm", &["exec", "dlx"]),
    ("yarn", &["exec", "dlx"]),
    ("bun", &["x", "exec"]),
    ("direnv", &["exec"]),
    ("mise", &["exec", "x"]),
    ("devbox", &["run"]),
    ("nix", &["run", "shell", "develop"]),
    ("rustup", &["run"]),
    ("git", &["bisect", "submodule", "rebase", "filter-branch", "difftool", "mergetool"]),
    ("docker", &["run", "exec"]),
    ("podman", &["run", "exec"]),
];

pub const SHELLS: [&str; 11] =
    ["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash", "yash", "posh"];

/// Interpreters, and the options behind which their code stands; without any
/// option the first operand is the code.
pub const INTERPRETERS: [(&str, &[&str]); 24] = [
    ("python", &["-c"]),
    ("pypy", &["-c"]),
    ("perl", &["-e", "-E"]),
    ("ruby", &["-e"]),
    ("node", &["-e", "-p", "--eval", "--print"]),
    ("nodejs", &["-e", "-p", "--eval", "--print"]),
    ("deno", &["eval"]),
    ("bun", &["-e", "--eval", "-p", "--print"]),
    ("php", &["-r"]),
    ("lua", &["-e"]),
    ("luajit", &["-e"]),
    ("osascript", &["-e"]),
    ("Rscript", &["-e"]),
    ("pwsh", &["-c", "-Command"]),
    ("tclsh", &[]),
    ("awk", &[]),
    ("gawk", &[]),
    ("mawk", &[]),
    ("nawk", &[]),
    ("sed", &[]),
    ("gsed", &[]),
    ("ed", &[]),
    ("ex", &["-c"]),
    ("expect", &["-c"]),
];

/// Programs that run commands which some of their options hold.
pub const CODE_IN_OPTIONS: [&str; 22] = [
    "git", "tar", "bsdtar", "rsync", "zip", "scp", "sftp", "vim", "vi", "nvim", "view", "emacs", "less",
    "man", "make", "gmake", "cargo", "go", "gcc", "ld", "sqlite3", "psql",
];
