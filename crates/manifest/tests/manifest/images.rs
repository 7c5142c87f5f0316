//! `idx` and `images`: images that are read, and images that columns make.

use collegium_manifest::{ImageShape, PixelColumns};

use crate::{messages, pipeline, wrong};

/// An expert, so that the file has one, on whatever data source is put before it.
const EXPERT: &str = "[expert.e]\ninputs = [\"a.image\"]\ntarget = \"a.label\"\n";

#[test]
fn idx_files_are_columns_side_by_side() {
    let text = "[data.a]\nidx = { image = \"*-images*.gz\", label = \"*-labels*.gz\" }\n";
    let pipeline = pipeline(&format!("{text}{EXPERT}"));
    let data = &pipeline.data["a"];
    assert!(data.idx && data.query.is_none());
    let columns: Vec<(&str, &str)> =
        data.tables.iter().map(|(name, path)| (name.as_str(), path.get_ref().as_str())).collect();
    assert_eq!(columns, [("image", "*-images*.gz"), ("label", "*-labels*.gz")]);
}

#[test]
fn an_image_is_grey_and_of_bytes_unless_told() {
    let of = |image: &str| {
        let text = format!("[data.a]\npath = \"a.csv\"\nimages = {{ image = {image} }}\n{EXPERT}");
        pipeline(&text).data["a"].images["image"].clone()
    };
    let image = of("{ columns = \"p*\", height = 8, width = 6 }");
    assert_eq!(image.shape, ImageShape { height: 8, width: 6, channels: 1 });
    assert_eq!(image.scale, 255.0);
    assert!(matches!(image.columns.get_ref(), PixelColumns::Pattern(p) if p == "p*"));
    let image =
        of("{ columns = [\"r\", \"g\", \"b\"], height = 1, width = 1, channels = 3, scale = 1 }");
    assert_eq!(
        (image.shape.to_string(), image.shape.size(), image.scale),
        ("1 × 1 × 3".into(), 3, 1.0)
    );
    assert!(matches!(image.columns.get_ref(), PixelColumns::List(names) if names.len() == 3));
}

#[test]
fn what_does_not_go_together_with_images_is_told_with_a_way_out() {
    insta::assert_snapshot!(
        wrong(&format!(
            "[data.a]\nidx = {{ image = \"a.idx3-ubyte\" }}\nquery = \"SELECT * FROM image\"\n\
             images = {{}}\ntypes = {{ image = \"image\" }}\n\
             [data.b]\npath = \"b.csv\"\nidx = {{ label = \"b\" }}\n[data.c]\nidx = {{}}\n{EXPERT}"
        )),
        @r#"
        error: `a` has both `idx` and `query`
         --> pipelines/flights.toml:3:9
          |
        2 | idx = { image = "a.idx3-ubyte" }
          |       -------------------------- these files are columns of one table already
        3 | query = "SELECT * FROM image"
          |         ^^^^^^^^^^^^^^^^^^^^^ SQL cannot read images
          |
          = help: `derive` makes columns of the labels, and an expert's `where` chooses rows

        error: `a` has both `idx` and `images`
         --> pipelines/flights.toml:4:10
          |
        2 | idx = { image = "a.idx3-ubyte" }
          |       -------------------------- these files hold images already
        3 | query = "SELECT * FROM image"
        4 | images = {}
          |          ^^ gathers images from the columns of a table

        error: `types` cannot make an image of the column `image`
         --> pipelines/flights.toml:5:19
          |
        5 | types = { image = "image" }
          |                   ^^^^^^^ images come of several columns
          |
          = help: gather them: `images = { pixels = { columns = "p*", height = 28, width = 28 } }`; or read IDX files: `idx = { image = "FILE" }`

        error: `b` has both `path` and `idx`
         --> pipelines/flights.toml:7:8
          |
        7 | path = "b.csv"
          |        ^^^^^^^ `path` is for one file or glob
        8 | idx = { label = "b" }
          |       --------------- `idx` for the columns of IDX files

        error: `c` has no columns
          --> pipelines/flights.toml:10:7
           |
        10 | idx = {}
           |       ^^ empty
        "#
    );
}

#[test]
fn an_image_that_cannot_be_is_told_where() {
    insta::assert_snapshot!(
        wrong(&format!(
            "[data.a]\npath = \"a.csv\"\n[data.a.images]\n\
             two = {{ columns = \"p[\", height = 0, width = 8, channels = 4, scale = -1 }}\n\
             three = {{ columns = [\"x\", \"y\", \"x\"], height = 2, width = 2 }}\n\
             four = {{ columns = \"p*\", height = 10000, width = 10000 }}\n\
             five = {{ columns = 5, height = 1, width = 1, depth = 3 }}\n{EXPERT}"
        )),
        @r#"
        error: `p[` is not a pattern
         --> pipelines/flights.toml:4:19
          |
        4 | two = { columns = "p[", height = 0, width = 8, channels = 4, scale = -1 }
          |                   ^^^^ invalid range pattern

        error: `height` must be from 1 to 16777216, not 0
         --> pipelines/flights.toml:4:34
          |
        4 | two = { columns = "p[", height = 0, width = 8, channels = 4, scale = -1 }
          |                                  ^ must be from 1 to 16777216

        error: `channels` must be 1 or 3, not 4
         --> pipelines/flights.toml:4:59
          |
        4 | two = { columns = "p[", height = 0, width = 8, channels = 4, scale = -1 }
          |                                                           ^ must be 1 or 3

        error: `scale` must be a finite number above 0, not -1
         --> pipelines/flights.toml:4:70
          |
        4 | two = { columns = "p[", height = 0, width = 8, channels = 4, scale = -1 }
          |                                                                      ^^ must be a finite number above 0

        error: the image `three` has 3 columns
         --> pipelines/flights.toml:5:21
          |
        5 | three = { columns = ["x", "y", "x"], height = 2, width = 2 }
          |                     ^^^^^^^^^^^^^^^ 2 × 2 is 4 pixels

        error: `x` is twice among the columns
         --> pipelines/flights.toml:5:32
          |
        5 | three = { columns = ["x", "y", "x"], height = 2, width = 2 }
          |                                ^^^ each pixel has its own column

        error: the image `four` is too large
         --> pipelines/flights.toml:6:8
          |
        6 | four = { columns = "p*", height = 10000, width = 10000 }
          |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ height · width · channels can be at most 16777216

        error: `columns` must be a pattern or a list of columns, not 5
         --> pipelines/flights.toml:7:20
          |
        7 | five = { columns = 5, height = 1, width = 1, depth = 3 }
          |                    ^ expected a pattern or a list of columns

        error: unknown key `depth` in `data.a.images.five`
         --> pipelines/flights.toml:7:46
          |
        7 | five = { columns = 5, height = 1, width = 1, depth = 3 }
          |                                              ^^^^^ unknown key
          |
          = help: the known keys are `columns`, `height`, `width`, `channels`, `scale`
        "#
    );
}

#[test]
fn an_incomplete_image_is_told_what_it_lacks() {
    insta::assert_snapshot!(
        wrong(&format!(
            "[data.a]\npath = \"a.csv\"\nimages = {{ one = {{ height = 8 }} }}\n{EXPERT}"
        )),
        @r#"
        error: the image `one` has no `columns` and no `width`
         --> pipelines/flights.toml:3:18
          |
        3 | images = { one = { height = 8 } }
          |                  ^^^^^^^^^^^^^^ incomplete
          |
          = help: an image is `{ columns = "p*", height = 28, width = 28 }`, as many columns as pixels
        "#
    );
}

#[test]
fn a_file_with_images_has_no_warnings() {
    let text = "[data.a]\nidx = { image = \"i\", label = \"l\" }\n";
    assert_eq!(messages(&format!("{text}{EXPERT}")), [""; 0]);
}
