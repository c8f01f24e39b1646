"""Further ways to ask for what the skills do. In training a third of the orders come typed in one
of them: what is asked for in five spoken ways only is learned by heart, and not known in a sixth
(docs/log.md). Being typed, they need no recording.

None of them is a phrasing that evaluation keeps (a test).
"""

from __future__ import annotations

# fmt: off
TIMER_SAY = (
    "say {word} after {n} seconds.", "{n} seconds from now, say {word}.", "{word} in {n} seconds.",
    "wait {n} seconds, then say {word}.", "give it {n} seconds and say {word}.",
    "i want to hear {word} in {n} seconds.", "after {n} seconds, please say {word}.",
    "let {n} seconds pass and say {word}.", "can you wait {n} seconds and say {word}?",
    "say the word {word} when {n} seconds are over.", "count to {n} silently and say {word}.",
    "hold on for {n} seconds, then {word}.", "not now, but in {n} seconds, say {word}.",
    "once {n} seconds are gone, say {word}.", "say {word}, {n} seconds from now.",
)
TIMER_TELL = (
    "timer, {n} seconds.", "{n} seconds, please.", "start a timer of {n} seconds.",
    "tell me after {n} seconds.", "tell me when it has been {n} seconds.",
    "let me know in {n} seconds.", "give me a shout in {n} seconds.",
    "alarm in {n} seconds.", "i need a timer for {n} seconds.", "time {n} seconds for me.",
    "speak up when {n} seconds are over.",
    "say when {n} seconds are up.", "{n} seconds, then tell me.",
)
TIMER_MINUTES = (
    "timer, {n} minutes.", "tell me in {n} minutes.",
    "i need {n} minutes.", "start a timer of {n} minutes.", "let me know after {n} minutes.",
)
REMIND = (
    "{action} every {n} seconds, remind me.",
    "remind me to {action}, every {n} seconds.", "i want to {action} every {n} seconds, tell me.",
    "say it every {n} seconds, i have to {action}.", "every {n} seconds, remind me to {action}.",
    "please tell me every {n} seconds to {action}.",
    "keep reminding me to {action}, every {n} seconds.", "nudge me every {n} seconds to {action}.",
    "could you tell me every {n} seconds to {action}?",
    "a reminder to {action}, every {n} seconds.",
)
REMIND_MINUTES = (
    "remind me every {n} minutes to {action}.",
    "{action} every {n} minutes, remind me.", "tell me every {n} minutes to {action}.",
)
COUNT_DOWN = (
    "countdown from {n}.", "{n} and down to one.", "count from {n} to one.",
    "from {n}, count backwards.", "begin at {n} and count down.",
    "please do a countdown from {n}.", "can you do a countdown from {n}?",
    "let us count down from {n}.", "go down from {n}, please.", "down from {n}, please.",
    "count me down from {n}.",
)
COUNT_REPETITIONS = (
    "count {what}.", "count the {what}.", "count my {what}, please.",
    "how many {what}? count aloud.",
    "say a number for every one of my {what}.", "number my {what} aloud.",
    "count each of my {what}.",
    "i start with {what}, count them.", "please count {what} out loud.",
    "a number for each of the {what}, please.", "{what} now, count with me.",
    "watch my {what} and say the numbers.", "one number after each of my {what}.",
)
COUNT_QUIETLY = (
    "count my {what} in silence.", "count {what}, but do not say anything.",
    "watch my {what}, tell me the total later.", "silently count {what}.",
    "i do {what}, you count without a word.", "remember how many {what} i do.",
    "count the {what}, i will ask for the number.", "no talking, just count my {what}.",
)
COUNT_BOUNCES = (
    "count the bounces.", "count every bounce of the ball.",
    "how often does it bounce? count aloud.",
    "say the number at each bounce.", "each time it hits the floor, count.", "count the ball.",
    "count when the ball comes down.", "number the bounces.",
)
COUNT_SWINGS = (
    "count the swings.", "count every swing of the pendulum.",
    "how often does it swing? count aloud.",
    "say the number at each swing.", "number the swings.", "count the pendulum.",
    "count when it is back.", "each time it comes back, say a number.",
)
SPAN = (
    "start and stop for {doing}.", "say start and stop for {doing}.",
    "tell me the start and the end of {doing}.",
    "say start when somebody is {doing}, stop at the end.",
    "watch for {doing}. say start, then stop.", "i need to know when they start and stop {doing}.",
    "start when {doing} begins, stop when it is over.",
    "call start and stop when they are {doing}.",
    "mark the {doing} for me with start and stop.",
    "when {doing} begins say start, at its end stop.",
    "as long as they are {doing}: start at first, stop at last.",
)
SPAN_THING = (
    "say start once {what}, and stop after it.", "tell me start and stop when {what}.",
    "when {what}, start. when it ends, stop.",
    "call start as {what} and stop when it no longer does.",
    "watch until {what}, say start, and stop at the end.",
    "start when {what}, stop when it is over.",
    "if {what}, say start, and say stop when it stops.", "mark with start and stop when {what}.",
)
BUILD = (
    "tell me if the build fails.", "watch the build.", "say it when the build is broken.",
    "i want to know when the build breaks.", "if the build goes red, tell me.",
    "let me know if the build breaks.", "report a broken build.", "shout if the build is red.",
    "has the build failed? tell me when.", "keep watching the build and tell me if it fails.",
)
TESTS = (
    "tell me when the tests are green.", "say it when all tests pass.", "watch the tests.",
    "i want to know when the tests pass.", "when the tests work again, tell me.",
    "let me know if the tests pass.", "are the tests green? tell me when.",
)
BUGS = (
    "watch for bugs.", "tell me about bugs in my code.", "say the line of every bug.",
    "if i type a bug, tell me.", "look for mistakes in what i type.",
    "read my code and tell me bugs.",
    "warn me about mistakes in my code.", "is there a bug? say the line.",
    "check my code as i type.",
    "point out bugs.", "careful with my code, tell me its bugs.",
)
NAMED = (
    "tell me if {name} comes.", "is {name} here? tell me when.", "say it when {name} arrives.",
    "i expect {name}, let me know.", "watch for {name}.", "wait for {name} and tell me.",
    "let me know if you see {name}.", "when {name} is there, say so.",
    "{name} will come, tell me then.",
    "look out for {name}.", "as soon as {name} is here, tell me.",
)
ANYBODY = (
    "tell me who comes.", "who is there? tell me.", "say who is at the door.", "watch the door.",
    "when somebody comes, say who.", "let me know who comes in.", "announce everybody who comes.",
    "if somebody is there, tell me.", "name everyone who comes in.",
    "somebody may come, tell me who.",
)
WANTED = (
    "show of a {color} {thing}: tell me.", "say it when there is a {color} {thing}.",
    "look for a {color} {thing}.", "i am waiting for a {color} {thing}.",
    "when a {color} {thing} is there, tell me.", "do you see a {color} {thing}? tell me when.",
    "let me know when a {color} {thing} shows up.",
    "as soon as there is a {color} {thing}, say so.",
    "tell me once you see the {color} {thing}.", "only a {color} {thing} counts, tell me when.",
)
HIDDEN = {
    "curtain": (
        "tell me what the curtain hides.", "what does the curtain hide? say it when you see it.",
        "the curtain will open, what is there?", "name what is behind the curtain.",
        "look behind the curtain when it opens.", "wait for the curtain and tell me what you see.",
    ),
    "door": (
        "tell me what is behind the door.", "the door will open, what is there?",
        "name what the door hides.",
        "what stands behind the door? tell me when it opens.",
        "look through the door when it opens.",
    ),
    "lamp": (
        "it is dark, tell me what is there when you see it.", "what is there? wait for the light.",
        "when the lamp goes on, name what you see.", "tell me what the lamp shows.",
        "in the light, what is on the table?", "wait for the lamp and tell me what it is.",
    ),
    "number": (
        "tell me the number on the card.", "what is the number? wait for it.",
        "read the number when you see it.", "say the number once the card is turned.",
        "the card has a number, tell me which.", "wait for the card and say the number.",
    ),
    "word": (
        "tell me the word on the card.", "what is the word? wait for it.",
        "read the card when you can.", "say the word once the card is turned.",
        "the card has a word, read it.", "wait for the card and read the word.",
    ),
    "shape": (
        "tell me the shape on the card.", "what is the shape? wait for it.",
        "name the shape when you see it.", "say the shape once the card is turned.",
        "the card has a shape, tell me which.", "wait for the card and name the shape.",
    ),
    "color": (
        "tell me the color of the card.", "what is the color? wait for it.",
        "name the color when you see it.", "say the color once the card is turned.",
        "the card has a color, tell me which.", "wait for the card and say the color.",
    ),
}
SHOWN = {
    "what": (
        "what do you call this?", "what is it?", "what thing is this?", "tell me what this is.",
        "which thing do i hold?", "say what i hold.", "what did i pick up?", "recognize this?",
        "what is in my hand?", "what object is that?",
    ),
    "see": (
        "what is there to see?", "say what you see.", "what is in front of you?",
        "look and tell me.", "what is on the picture?",
    ),
    "color": (
        "what color?", "what color does this have?", "name the color.", "the color of this?",
        "in what color is it?", "say its color.", "what is its color?",
    ),
    "dots": (
        "number of dots?", "count these dots.", "how many dots can you see?", "how many points?",
        "say how many dots there are.", "what is the number of dots?",
    ),
    "fingers": (
        "number of fingers?", "count the fingers.",
        "how many of my fingers are up?", "say how many fingers you see.",
    ),
    "word": (
        "what word is this?", "read the word.", "read this card.", "what is on the card?",
        "what is the word?", "tell me what it says.", "read it.",
    ),
    "number": (
        "what is the number?", "read the number.", "tell me this number.",
        "which number do you see?",
        "say the digit.", "what digit is it?",
    ),
    "shape": (
        "what is the shape?", "name the shape.", "which shape is that?", "say the shape.",
        "what form is this?", "what shape do i hold up?",
    ),
    "doing": (
        "what am i up to?", "say what i do.", "describe what i am doing.", "what is my activity?",
        "look at me, what do i do?", "which exercise is this?",
    ),
}
CUE = (
    "say {color} for {word}.", "{word} means {color}.",
    "answer {word} with {color}.", "each {word} gets a {color} from you.",
    "after every {word}, say {color}.", "for {word} i want to hear {color}.",
    "if {word} comes up, {color}.", "call out {color} when i say {word}.",
    "say {color} after the word {word}.", "react to {word} with {color}.",
    "i say {word}, then you say {color}.", "on {word}, say {color}.",
    "listen for {word}, say {color}.",
)
COUNT_WORD = (
    "count {word} aloud.", "say the next number at each {word}.", "number each {word}.",
    "how often do i say {word}? count aloud.", "count my uses of {word}, aloud.",
    "for every {word} say how many it was.", "listen for {word} and count it out loud.",
)
COUNT_WORD_QUIETLY = (
    "count {word} in silence.", "count {word}, tell me later.",
    "how often do i say {word}? not yet.",
    "silently count each {word}.", "keep the number of {word} in mind, and be quiet.",
)
STOP_TALKING = (
    "stop talking.", "stop right there.", "enough.", "enough now.", "no more.", "be quiet.",
    "quiet now.", "that will do.", "okay, that will do.", "hey, stop.", "one moment.",
    "wait a moment.", "now wait.", "thank you, enough.", "okay, i know.", "i know, i know.",
    "stop, stop, stop.", "no, stop.", "silence.", "leave it.",
    "i have heard enough.", "you may stop.", "no need to go on.", "let me speak.", "just a second.",
)
TALK_ABOUT = (
    "tell me about {topic} instead.", "what about {topic}?", "now tell me about {topic}.",
    "please talk about {topic}.", "i want to hear about {topic}.", "how about {topic}?",
    "something else, {topic}.", "and {topic}?", "could you tell me about {topic}?",
    "{topic}, please.", "let us hear about {topic}.", "stop, and tell me about {topic}.",
    "i would like {topic} more.", "better tell me about {topic}.", "hey, what about {topic}?",
)
MEANT = (
    "no, {topic}.", "i meant {topic}.", "no no, {topic} please.", "sorry, {topic}.",
    "i was asking about {topic}.", "not this, {topic}.", "i wanted {topic}.",
    "that is wrong, i meant {topic}.", "wait, no, {topic}.", "no, about {topic}.",
    "you did not understand, {topic}.", "i asked about {topic}.", "my mistake, {topic}.",
)
BREAK_IN = (
    "{question}", "actually, {question}", "wait, {question}", "sorry, {question}",
    "hey, {question}", "okay, but {question}", "one more thing, {question}", "no, {question}",
    "stop, {question}", "tell me, {question}", "listen, {question}",
)
# fmt: on
