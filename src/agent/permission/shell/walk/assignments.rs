//! Assignments and redirections of a command.

use brush_parser::ast;

use super::{Input, Outcome, Walk};
use crate::agent::permission::shell::word::ShellWord;
use crate::agent::permission::shell::{NotUnderstood, Redirect, StartedBy, expansion, prescan};

impl Walk<'_> {
    pub(super) fn assignment(
        &mut self,
        assignment: &ast::Assignment,
        started_by: StartedBy,
        depth: usize,
    ) -> Result<ShellWord, NotUnderstood> {
        if let ast::AssignmentName::ArrayElementName(_, index) = &assignment.name {
            self.evaluates = true;
            self.word(index, started_by, depth)?;
        }
        let name = assignment.name.to_string();
        let (value, hides) = match &assignment.value {
            ast::AssignmentValue::Scalar(word) => {
                let hidden = std::mem::take(&mut self.hides_substitution);
                let mut words = self.word(&word.value, started_by, depth)?;
                let hides = self.hides_substitution;
                self.hides_substitution |= hidden;
                // No braces and no splitting in an assignment: several words
                // only say that it is not known which text it is.
                let value = if words.len() == 1 { words.remove(0) } else { ShellWord::unknown() };
                (value, hides)
            }
            ast::AssignmentValue::Array(elements) => {
                self.evaluates |= elements.iter().any(|(index, _)| index.is_some());
                for (index, element) in elements {
                    if let Some(index) = index {
                        self.word(&index.value, started_by, depth)?;
                    }
                    let words = self.word(&element.value, started_by, depth)?;
                    self.script.assigned_words.extend(words);
                }
                (ShellWord::unknown(), false)
            }
        };
        // The shell expands the prompts itself, with the commands in them.
        if hides && name.starts_with("PS") {
            return Err(NotUnderstood("the command hides another one in a prompt".to_owned()));
        }
        self.script.assigned_words.push(value.clone());
        Ok(value)
    }

    pub(super) fn redirects(
        &mut self,
        redirects: Option<&ast::RedirectList>,
        started_by: StartedBy,
        depth: usize,
    ) -> Outcome {
        let redirects = redirects.into_iter().flat_map(|list| &list.0);
        for redirect in redirects {
            self.redirect(redirect, started_by, depth)?;
        }
        Ok(())
    }

    pub(super) fn redirect(
        &mut self,
        redirect: &ast::IoRedirect,
        started_by: StartedBy,
        depth: usize,
    ) -> Outcome {
        use ast::{IoFileRedirectKind as K, IoFileRedirectTarget as T};
        match redirect {
            ast::IoRedirect::File(_, kind, target) => {
                let writes = !matches!(kind, K::Read | K::DuplicateInput);
                if !writes || matches!(kind, K::ReadAndWrite) {
                    self.input = Input::Unknown;
                }
                match target {
                    T::Filename(word) => self.opened(&word.value, writes, started_by, depth),
                    T::Fd(_) => Ok(()),
                    // `2>&1` and `>&-` open nothing; `>&file` does.
                    T::Duplicate(word)
                        if word.value.chars().all(|char| char.is_ascii_digit() || char == '-') =>
                    {
                        Ok(())
                    }
                    T::Duplicate(word) => self.opened(&word.value, writes, started_by, depth),
                    T::ProcessSubstitution(_, subshell) => {
                        self.script.is_plain = false;
                        self.list(&subshell.list, StartedBy::Substitution, depth)
                    }
                }
            }
            ast::IoRedirect::OutputAndError(word, _) => self.opened(&word.value, true, started_by, depth),
            ast::IoRedirect::HereString(_, word) => {
                let words = self.word(&word.value, started_by, depth)?;
                self.input = text_of(words);
                Ok(())
            }
            ast::IoRedirect::HereDocument(_, document) => {
                if !prescan::is_plain_delimiter(&document.here_end.value) {
                    return Err(NotUnderstood(
                        "the command has a here-document with an unusual end".to_owned(),
                    ));
                }
                let text = &document.doc.value;
                if !document.requires_expansion {
                    self.hides_substitution |= text.contains("$(") || text.contains('`');
                    self.input = Input::Text(ShellWord::quoted(text));
                    return Ok(());
                }
                self.script.is_plain = false;
                let expanded = expansion::expand_document(text, self.cwd)?;
                let words = self.take(expanded, depth)?;
                self.input = text_of(words);
                Ok(())
            }
        }
    }

    fn opened(&mut self, written: &str, writes: bool, started_by: StartedBy, depth: usize) -> Outcome {
        let words = self.word(written, started_by, depth)?;
        self.script.redirects.extend(words.into_iter().map(|target| Redirect { target, writes }));
        Ok(())
    }
}

fn text_of(words: Vec<ShellWord>) -> Input {
    match <[ShellWord; 1]>::try_from(words) {
        Ok([word]) => Input::Text(word),
        Err(_) => Input::Unknown,
    }
}
