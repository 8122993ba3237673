//! Maps the scopes of a grammar to the meanings of a theme.

use std::sync::LazyLock;

use ratatui::style::Style;
use syntect::parsing::{Scope, ScopeStack};

use crate::tui::view::theme::Theme;

/// Picks a style of a theme.
pub type StyleSelector = fn(&Theme) -> Style;

/// The style of the innermost scope that has one.
pub fn innermost(scopes: &ScopeStack) -> Option<StyleSelector> {
    scopes.as_slice().iter().rev().find_map(|scope| {
        SELECTORS.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, meaning)| *meaning)
    })
}

/// The first prefix that matches counts.
#[rustfmt::skip]
const TABLE: [(&str, StyleSelector); 22] = [
    ("comment", |theme| theme.comment),
    ("string", |theme| theme.string),
    ("constant", |theme| theme.constant),
    ("keyword.operator", |_| Style::new()),
    ("keyword", |theme| theme.keyword),
    ("storage", |theme| theme.keyword),
    ("variable.language", |theme| theme.keyword),
    ("variable.function", |theme| theme.function),
    ("entity.name.function", |theme| theme.function),
    ("entity.other.attribute-name", |theme| theme.function),
    ("support.function", |theme| theme.function),
    ("support.macro", |theme| theme.function),
    ("entity.name.tag", |theme| theme.type_name),
    ("entity.name.type", |theme| theme.type_name),
    ("entity.name.class", |theme| theme.type_name),
    ("entity.name.struct", |theme| theme.type_name),
    ("entity.name.enum", |theme| theme.type_name),
    ("entity.name.trait", |theme| theme.type_name),
    ("support.type", |theme| theme.type_name),
    ("support.class", |theme| theme.type_name),
    ("markup.inserted", |theme| theme.add),
    ("markup.deleted", |theme| theme.remove),
];

static SELECTORS: LazyLock<Vec<(Scope, StyleSelector)>> = LazyLock::new(|| {
    TABLE.into_iter().filter_map(|(scope, meaning)| Some((Scope::new(scope).ok()?, meaning))).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_of_the_table_is_one() {
        assert_eq!(SELECTORS.len(), TABLE.len());
    }
}
