//! Goes through the grammar's tree and takes down every simple command.

mod assignments;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use brush_parser::ast;

use super::expansion::{self, Expanded};
use super::word::ShellWord;
use super::{
    MAX_COMMANDS, MAX_DEPTH, NotUnderstood, ShellScript, SimpleCommand, StartedBy, prescan, wrappers,
};

/// What a command reads when it reads its standard input.
#[derive(Debug, Clone)]
pub enum Input {
    /// Nothing: the tool gives none.
    Empty,
    /// What is not known.
    Unknown,
    Text(ShellWord),
}

/// A walk through one line.
pub struct Walk<'a> {
    cwd: &'a Path,
    script: ShellScript,
    input: Input,
    hides_substitution: bool,
    evaluates: bool,
}

type Outcome = Result<(), NotUnderstood>;

impl<'a> Walk<'a> {
    pub fn new(cwd: &'a Path) -> Self {
        let script = ShellScript { is_plain: true, ..ShellScript::default() };
        Self { cwd, script, input: Input::Empty, hides_substitution: false, evaluates: false }
    }

    pub fn into_script(self) -> Result<ShellScript, NotUnderstood> {
        // Arithmetic evaluates the *contents* of variables, and a subscript in
        // them may hold a command.
        if self.hides_substitution && self.evaluates {
            return Err(NotUnderstood("the command may run text that is quoted in it".to_owned()));
        }
        Ok(self.script)
    }

    /// Reads a script, be it the line or a part of it.
    pub fn script(&mut self, text: &str, started_by: StartedBy, depth: usize) -> Outcome {
        if depth > MAX_DEPTH {
            return Err(NotUnderstood("the command starts too many others to be checked".to_owned()));
        }
        prescan::check(text)?;
        let program = parse(text)?;
        for list in &program.complete_commands {
            self.list(list, started_by, depth)?;
        }
        Ok(())
    }

    fn list(&mut self, list: &ast::CompoundList, started_by: StartedBy, depth: usize) -> Outcome {
        for ast::CompoundListItem(and_or, separator) in &list.0 {
            self.script.in_background |= matches!(separator, ast::SeparatorOperator::Async);
            for (_, pipeline) in and_or {
                self.pipeline(pipeline, started_by, depth)?;
            }
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &ast::Pipeline, started_by: StartedBy, depth: usize) -> Outcome {
        self.script.is_plain &= pipeline.timed.is_none() && !pipeline.bang;
        for (number, command) in pipeline.seq.iter().enumerate() {
            let outer = self.input.clone();
            if number > 0 {
                self.input = Input::Unknown;
            }
            let done = self.command(command, started_by, depth);
            self.input = outer;
            done?;
        }
        Ok(())
    }

    fn command(&mut self, command: &ast::Command, started_by: StartedBy, depth: usize) -> Outcome {
        match command {
            ast::Command::Simple(simple) => self.simple(simple, started_by, depth),
            ast::Command::Compound(compound, redirects) => {
                self.redirects(redirects.as_ref(), started_by, depth)?;
                self.compound(compound, started_by, depth)
            }
            ast::Command::Function(function) => {
                self.script.is_plain = false;
                let ast::FunctionBody(body, redirects) = &function.body;
                self.redirects(redirects.as_ref(), started_by, depth)?;
                // Whoever calls it decides what it reads.
                self.input = Input::Unknown;
                self.compound(body, started_by, depth)
            }
            ast::Command::ExtendedTest(test, redirects) => {
                self.script.is_plain = false;
                self.redirects(redirects.as_ref(), started_by, depth)?;
                self.test(&test.expr, started_by, depth)
            }
        }
    }

    fn compound(&mut self, compound: &ast::CompoundCommand, started_by: StartedBy, depth: usize) -> Outcome {
        use ast::CompoundCommand as C;
        self.script.is_plain = false;
        match compound {
            C::Arithmetic(command) => self.arithmetic(&command.expr),
            C::ArithmeticForClause(clause) => {
                for expression in
                    [&clause.initializer, &clause.condition, &clause.updater].into_iter().flatten()
                {
                    self.arithmetic(expression)?;
                }
                self.list(&clause.body.list, started_by, depth)
            }
            C::BraceGroup(group) => self.list(&group.list, started_by, depth),
            C::Subshell(subshell) => self.list(&subshell.list, started_by, depth),
            C::ForClause(clause) => {
                for value in clause.values.iter().flatten() {
                    let words = self.word(&value.value, started_by, depth)?;
                    self.script.assigned_words.extend(words);
                }
                self.list(&clause.body.list, started_by, depth)
            }
            C::CaseClause(clause) => {
                self.word(&clause.value.value, started_by, depth)?;
                for case in &clause.cases {
                    for pattern in &case.patterns {
                        self.word(&pattern.value, started_by, depth)?;
                    }
                    case.cmd.iter().try_for_each(|list| self.list(list, started_by, depth))?;
                }
                Ok(())
            }
            C::IfClause(clause) => {
                self.list(&clause.condition, started_by, depth)?;
                self.list(&clause.then, started_by, depth)?;
                for part in clause.elses.iter().flatten() {
                    part.condition.iter().try_for_each(|list| self.list(list, started_by, depth))?;
                    self.list(&part.body, started_by, depth)?;
                }
                Ok(())
            }
            C::WhileClause(clause) | C::UntilClause(clause) => {
                self.list(&clause.0, started_by, depth)?;
                self.list(&clause.1.list, started_by, depth)
            }
            C::Coprocess(process) => {
                self.script.in_background = true;
                self.input = Input::Unknown;
                self.command(&process.body, started_by, depth)
            }
        }
    }

    fn arithmetic(&mut self, expression: &ast::UnexpandedArithmeticExpr) -> Outcome {
        if !prescan::is_plain_arithmetic(&expression.value) {
            return Err(NotUnderstood("the command has arithmetic that cannot be checked".to_owned()));
        }
        self.evaluates |= expression.value.chars().any(char::is_alphabetic);
        Ok(())
    }

    fn test(&mut self, test: &ast::ExtendedTestExpr, started_by: StartedBy, depth: usize) -> Outcome {
        use ast::ExtendedTestExpr as T;
        match test {
            T::And(left, right) | T::Or(left, right) => {
                self.test(left, started_by, depth)?;
                self.test(right, started_by, depth)
            }
            T::Not(inner) | T::Parenthesized(inner) => self.test(inner, started_by, depth),
            // The grammar and bash part a regular expression from what follows
            // by different rules.
            T::BinaryTest(ast::BinaryPredicate::StringMatchesRegex, ..) => {
                Err(NotUnderstood("the command has a regular expression that cannot be checked".to_owned()))
            }
            T::UnaryTest(_, word) => {
                self.evaluates = true;
                self.word(&word.value, started_by, depth).map(drop)
            }
            T::BinaryTest(_, left, right) => {
                self.evaluates = true;
                self.word(&left.value, started_by, depth)?;
                self.word(&right.value, started_by, depth).map(drop)
            }
        }
    }

    fn simple(&mut self, simple: &ast::SimpleCommand, started_by: StartedBy, depth: usize) -> Outcome {
        let outer = self.input.clone();
        let mut command = SimpleCommand { started_by, ..SimpleCommand::default() };
        let prefix = simple.prefix.iter().flat_map(|prefix| &prefix.0);
        let suffix = simple.suffix.iter().flat_map(|suffix| &suffix.0);
        for item in prefix {
            self.item(item, &mut command, true, depth)?;
        }
        if let Some(name) = &simple.word_or_name {
            let words = self.word(&name.value, started_by, depth)?;
            command.words.extend(words);
        }
        for item in suffix {
            self.item(item, &mut command, false, depth)?;
        }
        let done = self.add(command, depth);
        self.input = outer;
        done
    }

    fn item(
        &mut self,
        item: &ast::CommandPrefixOrSuffixItem,
        command: &mut SimpleCommand,
        is_prefix: bool,
        depth: usize,
    ) -> Outcome {
        use ast::CommandPrefixOrSuffixItem as I;
        match item {
            I::IoRedirect(redirect) => self.redirect(redirect, command.started_by, depth),
            I::Word(word) => {
                let words = self.word(&word.value, command.started_by, depth)?;
                command.words.extend(words);
                Ok(())
            }
            I::AssignmentWord(assignment, written) => {
                let value = self.assignment(assignment, command.started_by, depth)?;
                if is_prefix {
                    let name = match &assignment.name {
                        ast::AssignmentName::VariableName(name)
                        | ast::AssignmentName::ArrayElementName(name, _) => name,
                    };
                    command.assignments.push((name.clone(), value));
                } else {
                    // Behind the name it is an argument like any other, or one
                    // of `declare` and the like.
                    let words = match assignment.value {
                        ast::AssignmentValue::Scalar(_) => {
                            self.word(&written.value, command.started_by, depth)?
                        }
                        ast::AssignmentValue::Array(_) => vec![ShellWord::unknown()],
                    };
                    command.words.extend(words);
                }
                Ok(())
            }
            I::ProcessSubstitution(_, subshell) => {
                self.script.is_plain = false;
                self.list(&subshell.list, StartedBy::Substitution, depth)?;
                command.words.push(ShellWord::quoted(PIPE_PATH));
                Ok(())
            }
        }
    }

    /// Expands a word, and takes down what its substitutions run.
    fn word(&mut self, written: &str, _: StartedBy, depth: usize) -> Result<Vec<ShellWord>, NotUnderstood> {
        let expanded = expansion::expand(written, self.cwd)?;
        self.take(expanded, depth)
    }

    fn take(&mut self, expanded: Expanded, depth: usize) -> Result<Vec<ShellWord>, NotUnderstood> {
        self.hides_substitution |= expanded.hides_substitution;
        self.evaluates |= expanded.evaluates;
        for script in &expanded.substitutions {
            self.script.is_plain = false;
            let outer = self.input.clone();
            let done = self.script(script, StartedBy::Substitution, depth + 1);
            self.input = outer;
            done?;
        }
        Ok(expanded.words)
    }

    /// Takes a command down, and those that it starts.
    fn add(&mut self, mut command: SimpleCommand, depth: usize) -> Outcome {
        if self.script.commands.len() >= MAX_COMMANDS {
            return Err(NotUnderstood("the command has too many parts to be checked".to_owned()));
        }
        let started = wrappers::started(&command, &self.input)?;
        self.evaluates |= started.evaluates;
        command.code = started.code;
        command.wraps = started.wraps;
        if !command.words.is_empty() || !command.assignments.is_empty() {
            self.script.commands.push(command);
        }
        for inner in started.commands {
            self.add(inner, depth)?;
        }
        for script in started.scripts {
            self.script(&script, StartedBy::Launcher, depth + 1)?;
        }
        for guess in started.guesses {
            // Most arguments are no scripts, and nothing follows from that.
            if depth < MAX_DEPTH {
                self.script(&guess, StartedBy::Launcher, depth + 1).ok();
            }
        }
        Ok(())
    }
}

/// What a process substitution is called; nobody can deny or grant it.
const PIPE_PATH: &str = "/dev/fd/63";

fn parse(text: &str) -> Result<ast::Program, NotUnderstood> {
    let read = || brush_parser::Parser::new(text.as_bytes(), &expansion::options()).parse_program();
    // The grammar breaks down on some inputs; that is one more way not to be
    // understood.
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(program)) => Ok(program),
        Ok(Err(error)) => Err(NotUnderstood(format!("the command cannot be read as a shell would: {error}"))),
        Err(_) => Err(NotUnderstood("the command cannot be read as a shell would".to_owned())),
    }
}
