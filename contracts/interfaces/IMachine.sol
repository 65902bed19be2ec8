// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title IMachine
/// @notice One step of the provable machine, see docs/machine.md.
interface IMachine {
    /// @notice The bytes are no witness of a step: too short, too long, or with siblings that no tree has.
    error MachineBadWitness();

    /// @notice Executes one instruction on a state of which only what the instruction touches is shown.
    /// @param witness `core (137) ‖ code ‖ memory`. Code: leaf (32) ‖ mask (3) ‖ siblings (32 each) of the instruction
    /// if one is fetched, else the code's root (32). Memory: the same of the accessed leaf if the instruction is a load
    /// or store that does not trap, else the memory's root (32). Bit l of a mask says that the sibling at level l,
    /// leaves being level 0, is given; otherwise it is the root of as many zeros.
    /// @return pre Hash of the state.
    /// @return post Hash of the next one.
    function step(bytes calldata witness) external pure returns (bytes32 pre, bytes32 post);
}
