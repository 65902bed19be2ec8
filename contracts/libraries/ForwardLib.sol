// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title ForwardLib
/// @notice Hands a call on to code that works on the same state.
library ForwardLib {
    /// @notice Runs the whole call by `code` on the calling contract's state, and ends it with its answer or its error.
    function forward(address code) internal {
        // Memory from the free pointer on. Solidity's own memory is not used again: the call ends here.
        assembly ("memory-safe") {
            let memoryAt := mload(0x40)
            calldatacopy(memoryAt, 0, calldatasize())
            let done := delegatecall(gas(), code, memoryAt, calldatasize(), 0, 0)
            returndatacopy(memoryAt, 0, returndatasize())
            if iszero(done) {
                revert(memoryAt, returndatasize())
            }
            return(memoryAt, returndatasize())
        }
    }
}
