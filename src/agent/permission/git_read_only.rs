//! The forms of `git` that only read and report.
//!
//! Options are listed by their whole names: `git` takes any unambiguous
//! beginning of one, so `--outp=x` has to be unknown here.

use super::read_only::is_listed;

/// Options of `diff`, `log`, `show` and the like. None writes a file, runs a
/// program or looks outside of the repository.
const SHOWING: [&str; 76] = [
    "--oneline",
    "--stat",
    "--shortstat",
    "--numstat",
    "--name-only",
    "--name-status",
    "--summary",
    "--patch",
    "--no-patch",
    "--cached",
    "--staged",
    "--color",
    "--no-color",
    "--color-words",
    "--word-diff",
    "--unified",
    "--graph",
    "--decorate",
    "--no-decorate",
    "--all",
    "--branches",
    "--tags",
    "--remotes",
    "--author",
    "--committer",
    "--grep",
    "--since",
    "--after",
    "--until",
    "--before",
    "--max-count",
    "--skip",
    "--reverse",
    "--follow",
    "--first-parent",
    "--merges",
    "--no-merges",
    "--pretty",
    "--abbrev-commit",
    "--abbrev",
    "--date",
    "--date-order",
    "--topo-order",
    "--merge-base",
    "--diff-filter",
    "--find-renames",
    "--find-copies",
    "--no-renames",
    "--ignore-all-space",
    "--ignore-space-change",
    "--ignore-blank-lines",
    "--raw",
    "--full-index",
    "--binary",
    "--exit-code",
    "--quiet",
    "--check",
    "--porcelain",
    "--short",
    "--branch",
    "--show-stash",
    "--untracked-files",
    "--ignored",
    "--long",
    "--left-right",
    "--cherry-pick",
    "--no-ext-diff",
    "--no-textconv",
    "--dirstat",
    "--compact-summary",
    "--minimal",
    "--patience",
    "--histogram",
    "--relative",
    "--no-pager",
    "--no-walk",
];

/// Short options of the same; those behind the colon take a value.
const SHOWING_LETTERS: &str = "psuwbaRzinEPFqtrcm:nULSGMCBX";

/// Whether `git` with these arguments only reads.
pub fn is_read_only(texts: &[String]) -> bool {
    let mut rest = texts;
    while let [first, behind @ ..] = rest
        && matches!(first.as_str(), "--no-pager" | "-P" | "--no-optional-locks")
    {
        rest = behind;
    }
    let [command, arguments @ ..] = rest else { return false };
    let listed = |letters: &str, names: &[&str]| arguments.iter().all(|text| is_listed(text, letters, names));
    let first = arguments.first().map(String::as_str);
    match command.as_str() {
        "status" | "diff" | "log" | "show" | "shortlog" | "whatchanged" | "rev-list" | "diff-tree"
        | "diff-index" | "diff-files" => {
            // It signs nothing, but runs whoever checks a signature.
            listed(SHOWING_LETTERS, &SHOWING) && !arguments.iter().any(|text| text.contains("%G"))
        }
        "blame" | "annotate" => listed(
            "bcelnpstwf:LMC",
            &["--porcelain", "--line-porcelain", "--show-name", "--show-number", "--date", "--root"],
        ),
        "branch" => {
            let lists = listed(
                "avr",
                &[
                    "--all",
                    "--list",
                    "--verbose",
                    "--remotes",
                    "--show-current",
                    "--contains",
                    "--merged",
                    "--no-merged",
                    "--sort",
                    "--format",
                    "--color",
                    "--no-color",
                    "--column",
                    "--points-at",
                ],
            );
            let takes_pattern = arguments.iter().any(|text| {
                let name = text.split_once('=').map_or(text.as_str(), |(name, _)| name);
                matches!(name, "--list" | "--contains" | "--merged" | "--no-merged" | "--points-at")
            });
            lists && (takes_pattern || arguments.iter().all(|text| text.starts_with('-')))
        }
        "tag" => {
            let lists = listed(
                "ln",
                &[
                    "--list",
                    "--contains",
                    "--merged",
                    "--no-merged",
                    "--sort",
                    "--format",
                    "--points-at",
                    "--column",
                ],
            );
            lists
                && (first.is_none() || arguments.iter().any(|text| matches!(text.as_str(), "-l" | "--list")))
        }
        "remote" => {
            matches!(arguments, [])
                || matches!(first, Some("-v" | "--verbose")) && arguments.len() == 1
                || first == Some("get-url") && listed("", &["--all", "--push"])
        }
        "stash" => matches!(first, Some("list" | "show")) && listed(SHOWING_LETTERS, &SHOWING),
        "reflog" => {
            first.is_none_or(|first| first == "show" || first.starts_with('-'))
                && listed(SHOWING_LETTERS, &SHOWING)
        }
        "worktree" => first == Some("list") && listed("vz", &["--porcelain", "--verbose"]),
        "config" => {
            matches!(first, Some("--get" | "--get-all" | "--get-regexp" | "--list" | "-l" | "get" | "list"))
                && listed(
                    "lz",
                    &[
                        "--get",
                        "--get-all",
                        "--get-regexp",
                        "--list",
                        "--local",
                        "--global",
                        "--name-only",
                        "--show-origin",
                        "--show-scope",
                        "--null",
                    ],
                )
        }
        "rev-parse" => listed(
            "q",
            &[
                "--abbrev-ref",
                "--short",
                "--show-toplevel",
                "--show-prefix",
                "--show-cdup",
                "--git-dir",
                "--git-common-dir",
                "--is-inside-work-tree",
                "--is-bare-repository",
                "--verify",
                "--quiet",
                "--symbolic-full-name",
                "--show-superproject-working-tree",
                "--absolute-git-dir",
            ],
        ),
        "ls-files" => listed(
            "cdmoiskuztvf:x",
            &[
                "--cached",
                "--deleted",
                "--modified",
                "--others",
                "--ignored",
                "--stage",
                "--killed",
                "--unmerged",
                "--exclude-standard",
                "--full-name",
                "--error-unmatch",
                "--abbrev",
                "--eol",
                "--directory",
            ],
        ),
        "ls-tree" => listed(
            "dtrlz",
            &[
                "--name-only",
                "--name-status",
                "--full-name",
                "--full-tree",
                "--abbrev",
                "--long",
                "--object-only",
            ],
        ),
        "cat-file" => listed("tsep", &[]),
        "describe" => listed(
            "",
            &[
                "--tags",
                "--all",
                "--long",
                "--always",
                "--abbrev",
                "--dirty",
                "--match",
                "--exclude",
                "--contains",
                "--first-parent",
                "--exact-match",
            ],
        ),
        "merge-base" => {
            listed("a", &["--all", "--is-ancestor", "--octopus", "--fork-point", "--independent"])
        }
        "name-rev" => listed("", &["--tags", "--name-only", "--refs", "--always"]),
        "for-each-ref" => {
            listed(
                "",
                &["--format", "--sort", "--count", "--contains", "--merged", "--no-merged", "--points-at"],
            ) && !arguments.iter().any(|text| text.contains("signature"))
        }
        "show-ref" => listed(
            "dsq",
            &[
                "--head",
                "--heads",
                "--branches",
                "--tags",
                "--dereference",
                "--hash",
                "--verify",
                "--quiet",
                "--abbrev",
            ],
        ),
        "count-objects" => listed("vH", &["--verbose", "--human-readable"]),
        "check-ignore" => listed("qvzn", &["--quiet", "--verbose", "--non-matching", "--no-index"]),
        "version" | "--version" => arguments.is_empty(),
        _ => false,
    }
}
