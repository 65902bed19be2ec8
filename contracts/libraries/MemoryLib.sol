// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMachine} from "../interfaces/IMachine.sol";

/// @title MemoryLib
/// @notice Trees over a machine's memory: leaves are 32 bytes each, in order, node = keccak256(left ‖ right).
/// @dev Level 0 are the leaves. Of a subtree that holds zeros only the root is known: {zeros}.
library MemoryLib {
    /// @notice Levels above the leaves of the code.
    uint256 internal constant CODE_DEPTH = 17;
    /// @notice Levels above the leaves of the data.
    uint256 internal constant DATA_DEPTH = 21;

    uint256 private constant MASK = 3;
    bytes private constant ZEROS =
        hex"0000000000000000000000000000000000000000000000000000000000000000"
        hex"ad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5"
        hex"b4c11951957c6f8f642c4af61cd6b24640fec6dc7fc607ee8206a99e92410d30"
        hex"21ddb9a356815c3fac1026b6dec5df3124afbadb485c9ba5a3e3398a04b7ba85"
        hex"e58769b32a1beaf1ea27375a44095a0d1fb664ce2dd358e7fcbfb78c26a19344"
        hex"0eb01ebfc9ed27500cd4dfc979272d1f0913cc9f66540d7e8005811109e1cf2d"
        hex"887c22bd8750d34016ac3c66b5ff102dacdd73f6b014e710b51e8022af9a1968"
        hex"ffd70157e48063fc33c97a050f7f640233bf646cc98d9524c6b92bcf3ab56f83"
        hex"9867cc5f7f196b93bae1e27e6320742445d290f2263827498b54fec539f756af"
        hex"cefad4e508c098b9a7e1d8feb19955fb02ba9675585078710969d3440f5054e0"
        hex"f9dc3e7fe016e050eff260334f18a5d4fe391d82092319f5964f2e2eb7c1c3a5"
        hex"f8b13a49e282f609c317a833fb8d976d11517c571d1221a265d25af778ecf892"
        hex"3490c6ceeb450aecdc82e28293031d10c7d73bf85e57bf041a97360aa2c5d99c"
        hex"c1df82d9c4b87413eae2ef048f94b4d3554cea73d92b0f7af96e0271c691e2bb"
        hex"5c67add7c6caf302256adedf7ab114da0acfe870d449a3a489f781d659e8becc"
        hex"da7bce9f4e8618b6bd2f4132ce798cdc7a60e7e1460a7299e3c6342a579626d2"
        hex"2733e50f526ec2fa19a22b31e8ed50f23cd1fdf94c9154ed3a7609a2f1ff981f"
        hex"e1d3b5c807b281e4683cc6d6315cf95b9ade8641defcb32372f1c126e398ef7a"
        hex"5a2dce0a8a7f68bb74560f8f71837c2c2ebbcbf7fffb42ae1896f13f7c7479a0"
        hex"b46a28b6f55540f89444f63de0378e3d121be09e06cc9ded1c20e65876d36aa0"
        hex"c65e9645644786b620e2dd2ad648ddfcbf4a7e5b1a3a4ecfe7f64667a3f0b7e2";

    /// @notice Roots of trees of zeros, from a leaf up to {DATA_DEPTH} − 1 levels: what every tree function here takes.
    function zeros() internal pure returns (bytes memory) {
        return ZEROS;
    }

    /// @notice Root of the tree of zeros with so many levels, at most {DATA_DEPTH} − 1.
    function zeroAt(bytes memory zeros_, uint256 level) internal pure returns (bytes32 root) {
        assembly ("memory-safe") {
            root := mload(add(add(zeros_, 32), shl(5, level)))
        }
    }

    /// @notice Node above two.
    function pair(bytes32 left, bytes32 right) internal pure returns (bytes32 node) {
        assembly ("memory-safe") {
            mstore(0, left)
            mstore(32, right)
            node := keccak256(0, 64)
        }
    }

    /// @notice Root at level `to` of a tree that holds a subtree of level `from` at its beginning, and zeros.
    function extend(bytes memory zeros_, bytes32 node, uint256 from, uint256 to) internal pure returns (bytes32) {
        unchecked {
            for (uint256 level = from; level < to; ++level) node = pair(node, zeroAt(zeros_, level));
            return node;
        }
    }

    /// @notice Root above a leaf, by `mask (3) ‖ siblings` in calldata.
    /// @param index Of the leaf.
    /// @param depth Levels above it.
    /// @param at_ Where the mask is in calldata. Siblings are read from wherever that leads to: the caller checks the
    /// end.
    /// @return node The root.
    /// @return end First byte of calldata after the siblings.
    function climb(
        bytes memory zeros_,
        bytes32 node,
        uint256 index,
        uint256 depth,
        uint256 at_
    ) internal pure returns (bytes32, uint256 end) {
        uint256 mask;
        assembly ("memory-safe") {
            mask := shr(232, calldataload(at_))
            end := add(at_, MASK)
        }
        require(mask >> depth == 0, IMachine.MachineBadWitness());
        assembly ("memory-safe") {
            let zero := add(zeros_, 32)
            for {
                let top := add(zero, shl(5, depth))
            } lt(zero, top) {
                zero := add(zero, 32)
            } {
                // where the node goes in scratch memory; its sibling goes beside it
                let place := shl(5, and(index, 1))
                mstore(place, node)
                switch and(mask, 1)
                case 0 {
                    mstore(xor(place, 32), mload(zero))
                }
                default {
                    mstore(xor(place, 32), calldataload(end))
                    end := add(end, 32)
                }
                node := keccak256(0, 64)
                index := shr(1, index)
                mask := shr(1, mask)
            }
        }
        return (node, end);
    }
}
