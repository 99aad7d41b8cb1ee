// Reads a published log with Go's own packages, which know nothing of ours:
//
//	reader DIR VKEY OLD-CHECKPOINT   opens both checkpoints, checks the tiles, every entry, and growth
//	reader DIR VKEY OLD-CHECKPOINT N  the same, and prints the proof of entry N as its own package makes it
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Println("REFUSED", err)
		os.Exit(1)
	}
}

// A checkpoint's text has three lines that count: origin, size, root.
func open(path string, known note.Verifiers) tlog.Tree {
	data, err := os.ReadFile(path)
	must(err)
	opened, err := note.Open(data, known)
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree
}

// Tiles of height 8 lie where tlog-tiles puts them: tile/L/NNN, without the height.
type folder string

func (dir folder) Height() int { return 8 }

func (dir folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(string(dir), path))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (dir folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (dir folder) entries(size int64) (found [][]byte) {
	for start := int64(0); start < size; start += 256 {
		width := size - start
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: 8, L: 0, N: start / 256, W: int(width)}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(string(dir), path))
		must(err)
		for len(data) > 0 {
			length := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+length {
				must(fmt.Errorf("a bundle that ends within an entry"))
			}
			found = append(found, data[2:2+length])
			data = data[2+length:]
		}
	}
	return found
}

func main() {
	dir := folder(os.Args[1])
	verifier, err := note.NewVerifier(os.Args[2])
	must(err)
	known := note.VerifierList(verifier)
	newer := open(filepath.Join(string(dir), "checkpoint"), known)
	older := open(os.Args[3], known)

	reader := tlog.TileHashReader(newer, dir)
	root, err := tlog.TreeHash(newer.N, reader)
	must(err)
	if root != newer.Hash {
		must(fmt.Errorf("the tiles have another root"))
	}
	grown, err := tlog.ProveTree(newer.N, older.N, reader)
	must(err)
	must(tlog.CheckTree(grown, newer.N, newer.Hash, older.N, older.Hash))
	all := dir.entries(newer.N)
	if int64(len(all)) != newer.N {
		must(fmt.Errorf("%d entries of %d", len(all), newer.N))
	}
	for index, entry := range all {
		proof, err := tlog.ProveRecord(newer.N, int64(index), reader)
		must(err)
		must(tlog.CheckRecord(proof, newer.N, newer.Hash, int64(index), tlog.RecordHash(entry)))
		if len(os.Args) > 4 && os.Args[4] == strconv.Itoa(index) {
			for _, hash := range proof {
				fmt.Println(base64.StdEncoding.EncodeToString(hash[:]))
			}
		}
	}
	fmt.Println("HOLDS", newer.N, older.N)
}
