import os

import furrow


def f(x):
    with open("calls", "a") as file:
        file.write(f"{x}\n")
    if x == 3 and not os.path.exists("mended"):
        raise ValueError("not yet")
    return x * x


if __name__ == "__main__":
    with furrow.Pool(1) as pool:
        print(pool.map(f, range(5), chunksize=1, resume="resume"))
