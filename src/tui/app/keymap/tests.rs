use super::*;

#[test]
fn no_key_means_two_things_in_one_place() {
    for place in KeyContext::ALL {
        let mut seen = std::collections::HashSet::new();
        for binding in Keymap::default().bindings.iter().filter(|binding| binding.context == place) {
            for key in &binding.keys {
                assert!(seen.insert(*key), "{key} in {place:?}");
            }
        }
    }
}

#[test]
fn names_are_unique() {
    let names: Vec<_> = Keymap::defaults().map(|(name, _)| name).collect();
    let unique: std::collections::HashSet<_> = names.iter().collect();
    assert_eq!(names.len(), unique.len());
}

#[test]
fn a_place_comes_before_anywhere() {
    let keymap = Keymap::default();
    let command = |place, key: &str| keymap.command(place, key.parse().unwrap());
    assert_eq!(command(KeyContext::Browser, "c"), Some(Command::Clear));
    assert_eq!(command(KeyContext::Composer, "c"), None);
    assert_eq!(command(KeyContext::Composer, "ctrl-p"), Some(Command::Jump));
    assert_eq!(command(KeyContext::Browser, "\\"), Some(Command::ToggleBrowser));
    assert_eq!(command(KeyContext::Composer, "\\"), None);
}

#[test]
fn keys_are_rebound_by_name_and_mistakes_are_told() {
    let overrides = BTreeMap::from([
        ("clear".to_owned(), vec!["x".to_owned(), "hyper-x".to_owned()]),
        ("cler".to_owned(), vec!["y".to_owned()]),
    ]);
    let (keymap, problems) = Keymap::with_overrides(&overrides);
    assert_eq!(keymap.command(KeyContext::Browser, "x".parse().unwrap()), Some(Command::Clear));
    assert_eq!(keymap.command(KeyContext::Browser, "c".parse().unwrap()), None);
    assert_eq!(problems.len(), 2);
}
