//! The text of a page, as far as a model needs it.
//!
//! Pages are hostile: a page is never read deeper than the stack allows.

use std::rc::Rc;

use htmd::{HtmlToMarkdown, Node};

/// Elements within elements; a page that has more is given as it is.
const MAX_DEPTH: usize = 400;
/// What a reader never sees.
const SKIPPED_TAGS: [&str; 7] = ["script", "style", "noscript", "svg", "iframe", "template", "head"];

/// Whether pages of this kind (the `content-type`) can be read.
pub fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || ["json", "xml", "yaml", "javascript", "toml"].iter().any(|end| kind.ends_with(end))
}

/// The text of a page of this kind.
pub fn text(bytes: &[u8], kind: &str) -> String {
    let text = String::from_utf8_lossy(bytes);
    if !kind.contains("html") {
        return text.into_owned();
    }
    let reader = HtmlToMarkdown::builder().skip_tags(SKIPPED_TAGS.to_vec()).build();
    match reader.html_to_tree(&text) {
        Ok(tree) if is_shallow(&tree) => reader.tree_to_markdown(&tree),
        _ => text.into_owned(),
    }
}

/// Walked without recursion, since what walks it next does recurse.
fn is_shallow(tree: &Rc<Node>) -> bool {
    let mut level = vec![Rc::clone(tree)];
    for _ in 0..MAX_DEPTH {
        level = level.iter().flat_map(|node| node.children.borrow().clone()).collect();
        if level.is_empty() {
            return true;
        }
    }
    false
}
