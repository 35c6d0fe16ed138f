# How all charts look: colours that everybody tells apart, texts that stay in the picture.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
make-log run.tidy margin 200 3 0
for theme in light dark; do tidy-analyze plot forgetting run.tidy --theme $theme >$theme; done
/usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_palette.py" light dark || fail "the palette"
# That the check notices: teal and rust as red and green of the same lightness, which protanopes mistake.
sed 's/#1EA290/#7f7f00/; s/#BD4501/#9a5a00/' light >mistaken
/usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_palette.py" mistaken >output && fail "a palette that protanopes mistake"
grep -q "with protanopia" output || fail "the check says: $(cat output)"

# Long titles break, and become smaller; what is longer still ends in an ellipsis. So do long captions.
long="run_of_a_network_whose_name_tells_all_of_its_settings_down_to_the_last_of_them_and_then_some_more_of_the_machine_on_which"
cp run.tidy "${long:0:60}.tidy"
cp run.tidy "${long:0:70}.tidy"
cp run.tidy "$long.tidy"
draws learning "${long:0:60}.tidy" run.tidy
mv chart.svg long.svg
draws learning "$long.tidy" "${long:0:60}.tidy" "${long:0:70}.tidy"
mv chart.svg longer.svg
/usr/bin/python3 - <<'PYTHON' || fail "long titles and captions"
import svg
for name in "long", "longer":
    picture = svg.read(name + ".svg")
    title = [t for t in picture.texts if t.x < 40 and t.y < 80]
    assert len(title) == 2 and title[0].text.startswith("Best of %d runs, with " % (2 if name == "long" else 3)), title
    assert all(t.size == (26.0 if name == "long" else 20.8) for t in title), title  # 20 and 16 points, times 1.3
    assert title[1].text.endswith("…") == (name == "longer"), title
    caption = [t for t in picture.texts if t.x < 40 and t.y > 660]
    assert len(caption) == (1 if name == "long" else 2) and caption[-1].text.endswith("before the update of their step."), caption
PYTHON
finish
