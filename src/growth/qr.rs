//! A link's address as a QR code: an SVG of one path, black on white with its quiet zone, for print and for screens.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use crate::error::Error;

/// A quarter of it may be dirty.
const LEVEL: EcLevel = EcLevel::Q;
const SIDE: u32 = 256;

pub fn svg(address: &str) -> Result<String, Error> {
    let code = QrCode::with_error_correction_level(address, LEVEL)
        .map_err(|error| Error::invalid("public_url", format!("is too long for a QR code: {error}")))?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(SIDE, SIDE).quiet_zone(true).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_picture_without_scripts() {
        let svg = svg("https://hub.example.com/l/k7m2qxp").expect("a code");
        assert!(svg.contains("<svg") && svg.contains("<path") && !svg.contains("script"), "{svg}");
        assert!(super::svg(&"x".repeat(10_000)).is_err());
    }
}
