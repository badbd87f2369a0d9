//! How findings are printed: for people, for programs, for a workflow.

use std::io::{self, Write};

use miette::{
    GraphicalReportHandler, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents, Report,
    SourceCode, SourceSpan, SpanContents,
};
use upturn_core::rule::finding::{Finding, Severity};

use super::count;
use crate::rules::CheckedFile;

/// Letters from here on take two columns of a terminal.
const WIDE_FROM: char = '\u{1100}';

/// Writes each finding with its line, marked by a caret, and its cure.
pub(super) fn plain(files: &[CheckedFile], out: &mut dyn Write) -> io::Result<()> {
    for file in files {
        for finding in &file.findings {
            let Finding { line, column, code, message, cure, .. } = finding;
            let (path, severity) = (file.path.display(), finding.severity.as_str());
            writeln!(out, "{path}:{line}:{column}: {severity}[{code}]: {message}")?;
            write_line(file, finding, out)?;
            writeln!(out, "  help: {cure}\n")?;
        }
    }
    summary(files, out)
}

fn write_line(file: &CheckedFile, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let Some(text) = file.text.lines().nth(finding.line - 1) else { return Ok(()) };
    let text = text.trim_start_matches('\u{feff}');
    let number = finding.line.to_string();
    let blank = " ".repeat(number.len());
    let width = |letter: char| if letter < WIDE_FROM { 1 } else { 2 };
    let before: String = text
        .chars()
        .take(finding.column - 1)
        .flat_map(|letter| {
            let filler = if letter == '\t' { '\t' } else { ' ' };
            std::iter::repeat_n(filler, width(letter))
        })
        .collect();
    let marked = file.text.get(finding.span.clone()).unwrap_or_default();
    let marked = marked.lines().next().unwrap_or_default();
    let carets = marked.chars().map(width).sum::<usize>().max(1);
    writeln!(out, "  {number} | {text}")?;
    writeln!(out, "  {blank} | {before}{}", "^".repeat(carets))
}

/// Writes each finding as a picture of its place.
pub(super) fn graphical(files: &[CheckedFile], out: &mut dyn Write) -> io::Result<()> {
    let handler = GraphicalReportHandler::new();
    for file in files {
        for finding in &file.findings {
            let severity = match finding.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            };
            let diagnostic = MietteDiagnostic::new(finding.message.as_str())
                .with_code(finding.code)
                .with_severity(severity)
                .with_help(finding.cure.as_str())
                .with_label(LabeledSpan::underline(finding.span.clone()));
            let source =
                Page { name: file.path.to_string_lossy().into_owned(), text: file.text.clone() };
            let report = Report::new(diagnostic).with_source_code(source);
            let mut picture = String::new();
            handler
                .render_report(&mut picture, report.as_ref())
                .map_err(|error| io::Error::other(error.to_string()))?;
            writeln!(out, "{picture}")?;
        }
    }
    summary(files, out)
}

/// A text whose columns are counted in characters, as in the other formats.
struct Page {
    name: String,
    text: String,
}

impl SourceCode for Page {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let part = self.text.read_span(span, before, after)?;
        let start = self.text.get(..part.span().offset()).unwrap_or_default();
        let of_line = start.rsplit('\n').next().unwrap_or_default();
        let column = of_line.trim_start_matches('\u{feff}').chars().count();
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            part.data(),
            *part.span(),
            part.line(),
            column,
            part.line_count(),
        )))
    }
}

fn summary(files: &[CheckedFile], out: &mut dyn Write) -> io::Result<()> {
    let number =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (errors, warnings) = (count(files, Severity::Error), count(files, Severity::Warning));
    let checked = number(files.len(), "file");
    if errors + warnings == 0 {
        return writeln!(out, "{checked} checked: nothing wrong");
    }
    let (errors, warnings) = (number(errors, "error"), number(warnings, "warning"));
    writeln!(out, "{checked} checked: {errors}, {warnings}")
}

/// Writes one JSON document.
pub(super) fn json(files: &[CheckedFile], out: &mut dyn Write) -> io::Result<()> {
    let findings = files.iter().flat_map(|file| {
        file.findings.iter().map(|finding| {
            serde_json::json!({
                "path": file.path.to_string_lossy(),
                "line": finding.line,
                "column": finding.column,
                "severity": finding.severity,
                "code": finding.code,
                "message": finding.message,
                "cure": finding.cure,
            })
        })
    });
    let document = serde_json::json!({
        "files": files.len(),
        "errors": count(files, Severity::Error),
        "warnings": count(files, Severity::Warning),
        "findings": findings.collect::<Vec<_>>(),
    });
    writeln!(out, "{document:#}")
}

/// Writes a workflow command for each finding.
pub(super) fn github(files: &[CheckedFile], out: &mut dyn Write) -> io::Result<()> {
    for file in files {
        for finding in &file.findings {
            let Finding { line, column, code, message, cure, .. } = finding;
            let path = escape(&file.path.to_string_lossy()).replace(',', "%2C").replace(':', "%3A");
            let severity = finding.severity.as_str();
            let said = escape(&format!("{message}; {cure}"));
            writeln!(
                out,
                "::{severity} file={path},line={line},col={column},title={code}::{said}"
            )?;
        }
    }
    Ok(())
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
