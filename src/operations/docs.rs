//! The documentation in the binary: the API browser, and our Markdown texts as pages.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::http::assets;

/// A JSON text as an answer.
pub(super) fn json(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response()
}

/// The API browser, a page of the web build.
pub(super) async fn browser() -> Response {
    assets::page("docs.html")
}

/// A Markdown text as a page.
pub(super) fn text(title: &str, markdown: &str) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
    (kind, page(title, markdown)).into_response()
}

/// Renders the Markdown that our own texts use: headings, paragraphs and code; lists and tables as preformatted text.
fn page(title: &str, markdown: &str) -> String {
    let mut body = String::new();
    let mut plain: Vec<String> = Vec::new();
    let mut code: Option<Vec<String>> = None;
    let close = |plain: &mut Vec<String>, body: &mut String| {
        if !plain.is_empty() {
            let tabular = plain.iter().any(|line| line.starts_with(['|', '-', ' ']));
            let (open, shut) = if tabular { ("<pre>", "</pre>") } else { ("<p>", "</p>") };
            body.extend([open, &plain.join("\n"), shut, "\n"]);
            plain.clear();
        }
    };
    for line in markdown.lines() {
        if line.starts_with("```") {
            close(&mut plain, &mut body);
            match code.take() {
                Some(lines) => body.extend(["<pre><code>", &lines.join("\n"), "</code></pre>\n"]),
                None => code = Some(Vec::new()),
            }
        } else if let Some(lines) = &mut code {
            lines.push(escape(line));
        } else if let Some((level, text)) = heading(line) {
            close(&mut plain, &mut body);
            let level = level.to_string();
            body.extend(["<h", &level, ">", &escape(text), "</h", &level, ">\n"]);
        } else if line.trim().is_empty() {
            close(&mut plain, &mut body);
        } else {
            plain.push(escape(line));
        }
    }
    close(&mut plain, &mut body);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"icon\" type=\"image/svg+xml\" href=\"icon.svg\"><link rel=\"stylesheet\" href=\"docs.css\"></head>\
         <body><nav class=\"bar\" aria-label=\"Documentation\"><strong>Hubbub</strong> <a href=\"../docs\">HTTP API</a> \
         <a href=\"socket\" aria-current=\"page\">Socket</a> <a href=\"../\">Inbox</a></nav>\
         <main>{body}</main></body></html>\n"
    )
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    line[level..].strip_prefix(' ').filter(|_| (1..=4).contains(&level)).map(|text| (level, text))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_a_page() {
        let html = page(
            "T",
            "# One\n\nA <b> text\nof two lines.\n\n```json\n{\"a\": \"# no heading\"}\n```\n\n| a | b |\n",
        );
        assert!(html.contains("<h1>One</h1>"));
        assert!(html.contains("<p>A &lt;b&gt; text\nof two lines.</p>"));
        assert!(html.contains("<pre><code>{\"a\": \"# no heading\"}</code></pre>"));
        assert!(html.contains("<pre>| a | b |</pre>"));
    }
}
