"""Draws shapes.csv: bars, crosses and boxes of 8 x 8 pixels at random places, in noise. The same every time."""

from random import Random

ROWS = 360
SIZE = 8


def bar(row, column, at):
    return column == at[1]


def cross(row, column, at):
    return row == at[0] or column == at[1]


def box(row, column, at):
    down, right = row - at[0] + 2, column - at[1] + 2
    return 0 <= down <= 4 and 0 <= right <= 4 and (down in (0, 4) or right in (0, 4))


def main():
    random = Random(8)
    names = [f"p{row}_{column}" for row in range(SIZE) for column in range(SIZE)]
    with open("shapes.csv", "w", newline="\n") as file:
        file.write(",".join(["shape", *names]) + "\n")
        for at_row in range(ROWS):
            shape = (bar, cross, box)[at_row % 3]
            at = (random.randrange(2, 6), random.randrange(2, 6))
            pixels = [
                min(255, 150 * shape(row, column, at) + random.randrange(0, 106))
                for row in range(SIZE)
                for column in range(SIZE)
            ]
            file.write(",".join([shape.__name__, *map(str, pixels)]) + "\n")


if __name__ == "__main__":
    main()
