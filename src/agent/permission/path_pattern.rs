//! Which files a rule means: `./src/**`, `*.md`, `~/notes`, `//etc/hosts`.
//!
//! As in the official rules, `//` and `~/` are absolute, a pattern without a
//! slash means that name at any depth of the session's folder, and the rest
//! starts from that folder. They are unclear about `/etc`, which people write
//! for both: it is allowed as an absolute path and denied as either. `?` and
//! `[…]` are as in `.gitignore`; a denial also takes them as they stand, since
//! folders are called `[id]`.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::agent::tool::canonical;

/// Whether a pattern allows the use of a file.
pub fn allows_path(pattern: &str, path: &Path, cwd: &Path) -> bool {
    PathPattern::parse(pattern, cwd, GLOB_SIGNS, false).is_some_and(|place| place.matches(path))
}

/// Whether a pattern denies a file, or a folder above it.
pub fn denies_path(pattern: &str, path: &Path, cwd: &Path) -> bool {
    PathDenial::new(pattern, cwd).matches(path)
}

/// The paths that a pattern denies, resolved once for many files, and compared
/// without regard to case: for some systems `.ENV` is `.env`.
pub struct PathDenial(Vec<PathPattern>);

impl PathDenial {
    /// Resolves the pattern.
    pub fn new(pattern: &str, cwd: &Path) -> Self {
        let in_session = pattern.strip_prefix('/').filter(|rest| !rest.starts_with('/'));
        let in_session = in_session.map(|rest| format!("./{rest}"));
        let readings: &[&[char]] =
            if pattern.contains(['?', '[']) { &[GLOB_SIGNS, &['*']] } else { &[GLOB_SIGNS] };
        let patterns = in_session.iter().map(String::as_str).chain([pattern]);
        let all = patterns.flat_map(|pattern| {
            readings.iter().filter_map(move |signs| PathPattern::parse(pattern, cwd, signs, true))
        });
        Self(all.collect())
    }

    /// Whether this very path is denied, whatever the folders above it.
    pub fn names(&self, path: &Path) -> bool {
        let path = folded(path);
        self.0.iter().any(|place| place.matches(&path))
    }

    /// Whether this file is denied, or lies in a folder that is.
    pub fn matches(&self, path: &Path) -> bool {
        let path = folded(path);
        self.0.iter().any(|place| path.ancestors().any(|path| place.matches(path)))
    }
}

/// The characters with a meaning in a pattern.
const GLOB_SIGNS: &[char] = &['*', '?', '['];

/// A resolved folder or file, and a pattern for the paths below it.
struct PathPattern {
    /// Without links and dots.
    root: PathBuf,
    /// The pattern below it; `None` for the root itself.
    below: Option<GlobMatcher>,
}

/// A path in lower case.
fn folded(path: &Path) -> PathBuf {
    path.to_string_lossy().to_lowercase().into()
}

impl PathPattern {
    /// Resolves a pattern in which only `signs` have a meaning, in lower case if `folds`.
    /// `None` if it starts at home and there is no home.
    fn parse(pattern: &str, cwd: &Path, signs: &[char], folds: bool) -> Option<Self> {
        let is_name = !pattern.trim_end_matches('/').contains('/') && pattern != "~";
        let pattern = if is_name { format!("**/{pattern}") } else { pattern.to_owned() };
        let path = match (pattern.strip_prefix('~'), pattern.strip_prefix("//")) {
            (Some(rest), _) if rest.is_empty() || rest.starts_with('/') => {
                directories::BaseDirs::new()?.home_dir().join(rest.trim_start_matches('/'))
            }
            (_, Some(rest)) => Path::new("/").join(rest),
            _ => PathBuf::from(&pattern),
        };
        let has_sign = |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(signs);
        let parts: Vec<_> = path.components().collect();
        let at = parts.iter().position(has_sign).unwrap_or(parts.len());
        let below: Vec<_> = parts[at..].iter().map(|part| part.as_os_str().to_string_lossy()).collect();
        let root = canonical(cwd.join(parts[..at].iter().collect::<PathBuf>()));
        let below = below.join("/");
        let (root, below) = if folds { (folded(&root), below.to_lowercase()) } else { (root, below) };
        let below = if below.is_empty() { None } else { Some(compile(&below, signs)?) };
        Some(Self { root, below })
    }

    fn matches(&self, path: &Path) -> bool {
        match (path.strip_prefix(&self.root), &self.below) {
            (Ok(rest), None) => rest.as_os_str().is_empty(),
            (Ok(rest), Some(below)) => below.is_match(rest),
            (Err(_), _) => false,
        }
    }
}

/// A glob in which only `signs` have a meaning: braces never have one, as in
/// `.gitignore`. What is no glob (`[a`) stands for itself.
fn compile(pattern: &str, signs: &[char]) -> Option<GlobMatcher> {
    let literally = |pattern: &str, kept: &[char]| {
        let escape = |char: char| match char {
            '{' | '}' | '?' | '[' | ']' if !kept.contains(&char) => format!("[{char}]"),
            char => char.to_string(),
        };
        pattern.chars().map(escape).collect::<String>()
    };
    let build =
        |glob: &str| GlobBuilder::new(glob).literal_separator(true).backslash_escape(false).build().ok();
    let kept: Vec<_> = signs.iter().copied().chain(signs.contains(&'[').then_some(']')).collect();
    let glob = build(&literally(pattern, &kept)).or_else(|| build(&literally(pattern, &['*'])))?;
    Some(glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, permitted: bool, forbidden: bool) {
        let (path, cwd) = (Path::new(path), Path::new("/nowhere/w*"));
        let found = (allows_path(pattern, path, cwd), denies_path(pattern, path, cwd));
        assert_eq!(found, (permitted, forbidden), "{pattern} on {}", path.display());
    }

    #[test]
    fn a_pattern_means_the_files_it_names() {
        check("./src/**", "/nowhere/w*/src/a/b.rs", true, true);
        check("src/**", "/nowhere/w*/src/a/b.rs", true, true);
        check("src/*", "/nowhere/w*/src/a/b.rs", false, true);
        check("src/../*", "/nowhere/w*/a", true, true);
        check("src", "/nowhere/w*/src", true, true);
        check("src", "/nowhere/w*/src/a", false, true);
        check("src/", "/nowhere/w*/src/a", false, true);
        check("*.md", "/nowhere/w*/a/b.md", true, true);
        check(".env", "/nowhere/w*/.env", true, true);
        check(".env", "/nowhere/w*/a/.env", true, true);
        check(".env", "/nowhere/.env", false, false);
        check(".env", "/nowhere/w*/.ENV", false, true);
        check("Src/**", "/nowhere/w*/src/a", false, true);
        check("//nowhere/x/*", "/nowhere/x/a", true, true);
        check("/nowhere/x", "/nowhere/x", true, true);
        check("/x/**", "/nowhere/w*/x/a", false, true);
        check("/x/**", "/x/a", true, true);
        check("src/[ab].rs", "/nowhere/w*/src/a.rs", true, true);
        check("src/?.rs", "/nowhere/w*/src/a.rs", true, true);
        check("app/[id]/**", "/nowhere/w*/app/[id]/p", false, true);
        check("src/[a", "/nowhere/w*/src/[a", true, true);
        check("src/{a,b}", "/nowhere/w*/src/a", false, false);
        check("src/{a,b}/*", "/nowhere/w*/src/{a,b}/c", true, true);
    }

    #[test]
    fn a_star_in_the_name_of_a_folder_is_no_star() {
        check("./src/**", "/nowhere/wide/src/a", false, false);
    }

    #[test]
    fn home_is_where_the_tilde_is() {
        let home = directories::BaseDirs::new().unwrap().home_dir().canonicalize().unwrap();
        assert!(allows_path("~/notes/*", &home.join("notes/a"), Path::new("/")));
        assert!(!allows_path("~x/*", &home.join("x/a"), Path::new("/")));
    }

    #[test]
    fn links_in_a_pattern_are_followed() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("secret")).unwrap();
        std::os::unix::fs::symlink("secret", root.join("link")).unwrap();
        assert!(denies_path("link/**", &root.join("secret/a"), &root));
    }
}
